"""What the documentation shows is run: every docstring example, and the README's Python blocks in one go.

A plain block right after a Python block is what that prints. Numbers with a decimal point may differ a little,
since accuracies are not the same to the last digit on every CPU.
"""

import contextlib
import doctest
import importlib
import io
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


BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d+")
TOLERANCE = 0.02


def run_blocks(text, name):
    """Run all blocks in one namespace, in order, as a reader would; return how many there were.

    What a block prints must be what the plain block after it shows, if there is one.
    """
    namespace = {"__name__": "__readme__"}
    blocks = list(BLOCK.finditer(text))
    for block in blocks:
        code, shown = block.groups()
        line = text[: block.start(1)].count("\n") + 1
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile("\n" * (line - 1) + code, name, "exec"), namespace)
        if shown is not None:
            check_output(printed.getvalue(), shown)
    return len(blocks)


def check_output(printed, shown):
    """Compare texts; numbers with a decimal point within the tolerance."""
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown), printed
    numbers, expected = (list(map(float, NUMBER.findall(text))) for text in (printed, shown))
    assert numbers == pytest.approx(expected, rel=0, abs=TOLERANCE), printed


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


@pytest.mark.parametrize("shown", ["0.51 skip~1\n", "0.49 skip~1\n"])
def test_a_printed_number_may_differ_a_little(shown):
    assert run_blocks(f"```python\nprint(0.5, 'skip~1')\n```\n\n```\n{shown}```\n", "README.md") == 1


@pytest.mark.parametrize("shown", ["0.54 skip~1\n", "0.5 skip~2\n", "0.5 skip~1\n0.5\n", ""])
def test_what_is_printed_must_be_what_is_shown(shown):
    with pytest.raises(AssertionError):
        run_blocks(f"```python\nprint(0.5, 'skip~1')\n```\n\n```\n{shown}```\n", "README.md")
