"""Imports point one way. The table is the map: what each part of nasedu may import from nasedu."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "nasedu"

ANYTHING = {"*"}
TABLE = {  # imports at the top of a file
    "core": set(),  # core.py, and history.py, loop.py and objectives.py, which stand on it
    "processes": set(),
    "racing": {"core", "processes"},
    "spaces": {"core"},
    "networks": {"core", "spaces"},
    "training": {"core", "spaces", "networks", "data"},
    "oneshot": {"core", "spaces", "networks", "training", "data"},
    "strategies": {"core"},
    "analysis": {"core"},
    "tables": {"core", "spaces", "processes"},
    "evaluators": {"core", "spaces"},
    "plots": {"core", "spaces", "analysis"},
    "data": {"core"},
    "widgets": {"core", "plots"},
    "course": ANYTHING,
    "cli": ANYTHING,
    "__main__": {"cli"},
    "nasedu": {"core", "racing"},  # __init__.py: the rest is imported when first used
}
LAZY = {  # more of them inside functions
    "evaluators": {"networks", "training", "oneshot", "data"},
    "tables": {"networks", "training", "evaluators", "data"},  # to build and verify them
    "plots": {"networks"},  # to draw what they are made of
    "nasedu": ANYTHING,
}
UPWARD = {  # where a value shows itself or is remade from a file: (file, function, imported module)
    ("history.py", "History._repr_mimebundle_", "nasedu.plots.show"),
    ("core.py", "Architecture._repr_mimebundle_", "nasedu.plots.show"),
    ("history.py", "_space_from_json", "nasedu.spaces"),
}
NOBODY_IMPORTS = {"cli", "course"}  # but `python -m nasedu`
CORE_FILES = {"core", "history", "loop", "objectives"}


def layer_of(module):
    """Return the part of nasedu that a module or file belongs to: nasedu.plots.show → plots."""
    parts = module.split(".")
    part = parts[1] if len(parts) > 1 else "nasedu"
    return "core" if part in CORE_FILES else part


def is_module(name):
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


class Imports(ast.NodeVisitor):
    """Collects (function or None, imported nasedu module); what only a type checker sees is left out."""

    def __init__(self, module):
        self.module, self.found = module, []
        self.scope, self.in_function = [], False

    def add(self, name):
        if name.split(".")[0] == "nasedu":
            self.found.append((".".join(self.scope) if self.in_function else None, name))

    def visit_Import(self, node):
        for alias in node.names:
            self.add(alias.name)

    def visit_ImportFrom(self, node):
        base = node.module or ""
        if node.level:
            base = ".".join([*self.module.split(".")[: -node.level], *filter(None, [base])])
        for alias in node.names:
            name = f"{base}.{alias.name}"
            self.add(name if is_module(name) else base)

    def visit_If(self, node):
        type_checking = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for child in node.orelse if type_checking else node.body + node.orelse:
            self.visit(child)

    def visit_ClassDef(self, node):
        self.enter(node, self.in_function)

    def visit_FunctionDef(self, node):
        self.enter(node, True)

    visit_AsyncFunctionDef = visit_FunctionDef

    def enter(self, node, in_function):
        before = self.scope, self.in_function
        self.scope, self.in_function = [*self.scope, node.name], in_function
        self.generic_visit(node)
        self.scope, self.in_function = before


def imports_of(source, module):
    imports = Imports(module)
    imports.visit(ast.parse(source))
    return imports.found


def violations(source, path):
    """Return what a file of the package imports against the table, in words."""
    module = ".".join(["nasedu", *Path(path).with_suffix("").parts])
    own = "nasedu" if path == "__init__.py" else layer_of(module)
    found = []
    for function, name in imports_of(source, module):
        target = layer_of(name)
        allowed = TABLE[own] | (LAZY.get(own, set()) if function else set())
        if target == own or (target in allowed or "*" in allowed) or (path, function, name) in UPWARD:
            continue
        if name == "nasedu" and function:
            continue  # for the version
        found.append(f"{path}: {function or 'the top'} imports {name}; {own} may import {sorted(allowed)} there")
    return found


FILES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if "labextension" not in path.parts)


@pytest.mark.parametrize("path", FILES)
def test_imports_point_one_way(path):
    assert violations((PACKAGE / path).read_text(encoding="utf-8"), path) == []


def test_every_part_of_the_package_is_in_the_table():
    parts = {layer_of("nasedu." + ".".join(Path(path).with_suffix("").parts)) for path in FILES} - {
        "__init__",
        "__main__",
    }
    assert parts <= TABLE.keys()


def test_no_table_row_lets_anybody_import_the_command_line_or_the_course():
    for name, row in TABLE.items():
        assert name in NOBODY_IMPORTS | {"__main__"} or not row & NOBODY_IMPORTS


@pytest.mark.parametrize(("file", "function", "module"), sorted(UPWARD))
def test_every_upward_import_that_is_allowed_is_there(file, function, module):
    assert (function, module) in set(imports_of((PACKAGE / file).read_text(encoding="utf-8"), "nasedu." + file[:-3]))


FORBIDDEN = {
    "strategy and space": ("strategies/a.py", "from nasedu.spaces.darts import DARTS"),
    "strategy and space, whole module": ("strategies/a.py", "import nasedu.spaces.darts as d"),
    "strategy and space, from the package": ("strategies/a.py", "from nasedu import spaces"),
    "strategy and space, relative": ("strategies/a.py", "from ..spaces import DARTS"),
    "strategy and space, in a function": ("strategies/a.py", "def f():\n    from nasedu import spaces"),
    "space and network": ("spaces/a.py", "from nasedu.networks import build"),
    "core and space": ("core.py", "from nasedu import spaces"),
    "core and space, in another function": ("core.py", "def f():\n    from nasedu import spaces"),
    "core and history at the top and plots": ("history.py", "import nasedu.plots.show"),
    "plot and widget": ("plots/a.py", "from nasedu.widgets import Player"),
    "the package and torch's parts": ("__init__.py", "from nasedu import networks"),
    "evaluator and network at the top": ("evaluators/a.py", "from nasedu import networks"),
    "the command line": (
        "plots/a.py",
        "if True:\n    try:\n        from nasedu.cli import main\n    except ImportError:\n        pass",
    ),
    "the whole package at the top": ("plots/a.py", "import nasedu as nas"),
    "in a class": ("spaces/a.py", "class A:\n    def f(self):\n        from nasedu import course"),
}


@pytest.mark.parametrize(("path", "source"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_forbidden_import_is_found(path, source, monkeypatch):
    monkeypatch.setattr("test_layers.is_module", lambda name: name.split(".")[-1].islower() and name.count(".") < 3)
    assert len(violations(source, path)) == 1


def test_an_allowed_import_is_let_through():
    assert violations("from nasedu.core import Trial\nimport numpy", "strategies/a.py") == []
    assert violations("def f():\n    from nasedu.networks import build", "evaluators/a.py") == []
    assert violations("if TYPE_CHECKING:\n    from nasedu.widgets import Player", "plots/a.py") == []
    assert violations("from .base import x\nfrom . import base", "strategies/a.py") == []
