"""The files that set nasedu up agree with each other."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split() if "==" in line
)
CONSTRAINTS = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in CONSTRAINTS.items()}
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *PROJECT["optional-dependencies"]["lab"],
    *PROJECT["optional-dependencies"]["dev"],
]


@pytest.mark.parametrize("text", REQUIREMENTS)
def test_what_the_project_needs_is_pinned_to_a_version_that_it_allows(text: str) -> None:
    requirement = Requirement(text)
    assert requirement.specifier.contains(CONSTRAINTS[requirement.name.lower()])


def test_torch_is_pinned() -> None:
    assert CONSTRAINTS["torch"] == "2.13.0"


def test_conda_and_binder_install_the_same_project_with_the_same_versions() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, from_pip = environment["dependencies"]
    assert Requirement(PROJECT["name"] + PROJECT["requires-python"]).specifier.contains(python.split("=")[1])
    assert pip == "pip"
    assert "--constraint constraints.txt" in from_pip["pip"]
    assert "--editable .[lab]" in from_pip["pip"]


def test_the_makefile_installs_with_the_same_constraints() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "pip install" in line]
    assert installs
    assert all("--constraint constraints.txt" in line for line in installs)


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_installs_again_when_the_extension_has_changed(tmp_path: Path) -> None:
    extension = "nasedu/widgets/labextension/package.json"
    assert (ROOT / extension).is_file()
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for second, name in enumerate(["pyproject.toml", "constraints.txt", extension, ".venv/lab"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
        os.utime(tmp_path / name, (second, second))
    question = ["make", "--question", ".venv/lab"]
    assert subprocess.run(question, cwd=tmp_path).returncode == 0
    os.utime(tmp_path / extension, (9, 9))
    assert subprocess.run(question, cwd=tmp_path).returncode == 1


def test_ci_calls_the_test_command_of_the_readme() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").strip().endswith("make test")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_wheel_carries_every_lesson():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    files = [path.name for path in (ROOT / "notebooks").iterdir() if path.suffix in (".ipynb", ".md")]
    lessons = {f"notebooks/{name}" for name in files}  # a lesson that was run may have saved pictures beside them
    assert set(wheel["force-include"]) == lessons
