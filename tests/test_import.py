"""`import nasedu` is quick because it leaves the heavy libraries alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "matplotlib", "pandas", "networkx", "sklearn", "IPython", "ipywidgets", "anywidget", "tqdm", "pooch"}


def modules_after(code):
    """Return the top-level modules that a fresh interpreter has loaded after running the code."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import nasedu",
        "import nasedu as nas; nas.spaces.NASBench201(), nas.spaces.DARTS(), nas.spaces.Chain()",
        "import numpy as np, nasedu as nas; space = nas.space('darts')\n"
        "strategy = nas.strategies.random_search.RandomSearch(space, np.random.default_rng(0))\n"
        "search = nas.search(strategy, lambda cells: [nas.Trial(c, accuracy=0.5) for c in cells], 3)\n"
        "list(search), search.history.incumbent, search.history.text()",
    ],
    ids=["the package", "the spaces", "a search"],
)
def test_nothing_heavy_is_imported(code):
    loaded = modules_after(code)
    assert "numpy" in loaded, "the check itself works"
    assert loaded & HEAVY == set()


def test_parts_are_imported_when_first_used_and_others_are_unknown():
    assert "nasedu" in modules_after("import nasedu; nasedu.spaces")
    import nasedu

    with pytest.raises(AttributeError, match="module 'nasedu' has no attribute 'spcaes'"):
        _ = nasedu.spcaes
    result = subprocess.run([sys.executable, "-c", "import nasedu; nasedu.spcaes"], capture_output=True, text=True)
    assert "Did you mean: 'spaces'?" in result.stderr


def test_completion_offers_what_is_public_before_it_is_imported():
    script = "import nasedu; print(*dir(nasedu))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    import nasedu

    assert result.stdout.split() == sorted([*nasedu.__all__, "__version__"])
    packages = [path.parent.name for path in Path(nasedu.__file__).parent.glob("*/__init__.py")]
    assert {"data", "networks", "oneshot", "strategies", "training", "widgets"} <= set(packages)
    for name in packages:
        part = getattr(nasedu, name)
        assert dir(part) == sorted(part.__all__), f"no files among what {name} offers"
