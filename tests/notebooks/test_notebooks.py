"""Every lesson runs top to bottom, as a student finds it and with its exercises solved.

A solution stands in the metadata of its exercise's cell, under nasedu.solution. The student has no published
table; the solved lesson has it where it is present.
"""

import json
import re
from pathlib import Path

import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(path.name for path in FOLDER.glob("[0-9][0-9]_*.ipynb"))


def run(name: str, tmp_path: Path, solved: bool) -> str:
    """Run a lesson in a folder of its own and return everything it printed."""
    notebook = nbformat.read(FOLDER / name, as_version=4)
    if solved:
        for cell in notebook.cells:
            cell.source = cell.metadata.get("nasedu", {}).get("solution", cell.source)
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": tmp_path}},
    )
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs if output.output_type == "stream")


def test_the_lessons_are_there() -> None:
    numbers = {name[:2] for name in LESSONS}
    assert {"01", "03", "05", "09", "11"} <= numbers


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_as_a_student_finds_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NASEDU_DATA", raising=False)
    printed = run(name, tmp_path, solved=False)
    assert "✗" in printed, "no exercise is open: a check that nobody can fail teaches nothing"


@pytest.mark.parametrize("name", LESSONS)
def test_the_solutions_of_a_lesson_pass_its_checks(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_folder: Path | None
) -> None:
    if data_folder is not None:
        monkeypatch.setenv("NASEDU_DATA", str(data_folder))
    printed = run(name, tmp_path, solved=True)
    assert printed.count("✓") >= 3
    assert "✗" not in printed


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_stored_without_outputs_and_says_its_minutes(name: str) -> None:
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook["cells"])
    header = "".join(notebook["cells"][0]["source"])
    assert re.search(r"\d+ minutes", header), "the first cell must say how long the lesson takes"
    assert any("nasedu" in cell["metadata"] for cell in notebook["cells"]), "there is no exercise with a solution"
