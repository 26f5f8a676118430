"""What several test files share: where optional data lies."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_folder() -> Path | None:
    """Return the folder of published tables and data, or None where there is none."""
    folder = Path(os.environ.get("NASEDU_DATA") or ROOT.parent / "shared" / "data")
    return folder if folder.is_dir() else None
