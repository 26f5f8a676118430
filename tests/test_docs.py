"""What the documentation shows is run: every docstring example, and the README's Python blocks in one go."""

import doctest
import importlib
import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "nasedu").rglob("*.py")
    if "labextension" not in path.parts and path.stem != "__main__"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_give_what_they_say(name):
    module = importlib.import_module(name)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, _ = doctest.testmod(module, optionflags=options, extraglobs={"__name__": name})
    assert failed == 0


def test_the_core_has_examples():
    assert doctest.testmod(importlib.import_module("nasedu.core")).attempted >= 3


def python_blocks(text):
    """Return (line, code) of every block that is fenced as python."""
    return [
        (text[: match.start(1)].count("\n") + 1, match[1])
        for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def run_blocks(text, name):
    """Run all blocks in one namespace, in order, as a reader would; return how many there were."""
    namespace = {"__name__": "__readme__"}
    blocks = python_blocks(text)
    for line, code in blocks:
        exec(compile("\n" * (line - 1) + code, name, "exec"), namespace)
    return len(blocks)


def test_the_readme_has_python_blocks_and_they_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it may write files
    monkeypatch.setenv("MPLBACKEND", "agg")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")  # tqdm, outside a notebook
        assert run_blocks(README.read_text(encoding="utf-8"), str(README)) > 0, f"{README} has no ```python block"


def test_the_runner_finds_blocks_keeps_names_and_reports_the_line():
    text = "# T\n\n```python\nx = 1\n```\n\n```bash\nnot python\n```\n\n```python\nassert x == 1\n```\n"
    assert run_blocks(text, "README.md") == 2
    assert run_blocks("no block\n```bash\nls\n```\n", "README.md") == 0
    with pytest.raises(ZeroDivisionError) as caught:
        run_blocks(text + "```python\n\n1 / 0\n```\n", "README.md")
    assert caught.traceback[-1].lineno + 1 == 16
