"""The gallery is what its script makes, and what it shows can be read."""

from __future__ import annotations

import importlib.util
import itertools
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest

import nasedu as nas
from nasedu.plots.drawing import Drawing, Shape, Stroke, Text
from nasedu.plots.styles import style_of
from nasedu.plots.svg import svg

DOCS = Path(__file__).resolve().parents[1] / "docs"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
LARGEST = 60_000  # bytes of a picture
TOLERANCE = 0.05  # points


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module
    spec.loader.exec_module(module)
    return module


GALLERY = script()
ENTRIES = {entry.name: entry for entry in GALLERY.entries()}
PICTURES = [(name, style) for name in ENTRIES for style in GALLERY.STYLES]


@pytest.fixture(scope="module")
def drawings() -> dict[tuple[str, str], Drawing]:
    return {(name, style): ENTRIES[name].draw(style) for name, style in PICTURES}


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.5 and min(a[3], b[3]) - max(a[1], b[1]) > 0.5


def path(name: str, style: str) -> Path:
    return DOCS / "gallery" / f"{name}{GALLERY.STYLES[style]}.svg"


def test_the_committed_pictures_are_what_the_script_makes(drawings):
    """To the last element; of numbers, which come from measuring text, to a twentieth of a point."""
    for (name, style), drawing in drawings.items():
        committed, made = path(name, style).read_text(encoding="utf-8"), svg(drawing)
        assert NUMBER.sub("#", committed) == NUMBER.sub("#", made), f"{name}, {style}: run python docs/gallery.py"
        numbers = [[float(number) for number in NUMBER.findall(text)] for text in (committed, made)]
        assert numbers[0] == pytest.approx(numbers[1], rel=0, abs=TOLERANCE), f"{name}, {style}"


def test_the_page_is_what_the_script_writes_and_shows_every_picture():
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    assert text == GALLERY.page(list(ENTRIES.values()))
    linked = set(re.findall(r"\(gallery/([^)]+)\)", text))
    assert linked == {file.name for file in (DOCS / "gallery").iterdir()} == {path(*found).name for found in PICTURES}
    assert len(ENTRIES) >= 20


def test_the_code_under_a_picture_makes_it(drawings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, entry in ENTRIES.items():
        known = {"nas": nas, "Perceptron": GALLERY.Perceptron, "weights": GALLERY.drawn_weights()}
        exec(entry.code, known)
        assert (tmp_path / f"{name}.svg").read_text(encoding="utf-8") == svg(drawings[name, "light"]), name


def test_the_table_of_contents_links_to_every_heading():
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    links = dict(re.findall(r"^\* \[(.+)\]\(#(.+)\)$", text, re.MULTILINE))
    assert list(links) == re.findall("^## (.+)$", text, re.MULTILINE)
    assert links["DARTS, first order"] == "darts-first-order" and links["NASNet-A"] == "nasnet-a"
    assert len(set(links.values())) == len(links)


def test_pictures_are_small_and_say_what_they_show():
    for found in PICTURES:
        assert path(*found).stat().st_size < LARGEST, found
        root = ElementTree.parse(path(*found)).getroot()
        names = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root}
        assert names["title"] and len(names["desc"]) > 30, found


@pytest.mark.parametrize(("name", "style"), PICTURES)
def test_nothing_lies_on_anything_else(name, style, drawings):
    drawing = drawings[name, style]
    left, top, right, bottom = drawing.frame
    texts = [item for item in drawing.items if isinstance(item, Text)]
    shapes = [item for item in drawing.items if isinstance(item, Shape)]
    for a, b in itertools.combinations(texts, 2):
        assert not overlap(a.box, b.box), (a.text, b.text)
    for text in texts:
        x0, y0, x1, y1 = text.box
        assert left - 0.5 <= x0 and x1 <= right + 0.5 and top - 0.5 <= y0 and y1 <= bottom + 0.5, text.text
        for shape in shapes:
            if text.name.startswith("label"):
                wide, high = shape.width / 2, shape.height / 2
                assert not overlap(text.box, (shape.x - wide, shape.y - high, shape.x + wide, shape.y + high)), (
                    text.text
                )
    for stroke in (item for item in drawing.items if isinstance(item, Stroke)):
        for x, y in (stroke.start, stroke.end):
            assert left <= x <= right and top <= y <= bottom, stroke.name


@pytest.mark.parametrize("name", ENTRIES)
def test_print_fits_a_column_and_can_be_read(name, drawings):
    drawing, look = drawings[name, "print"], style_of("print")
    assert drawing.size[0] <= look.width + 0.5 and drawing.size[1] <= look.height + 0.5
    assert min(item.size for item in drawing.items if isinstance(item, Text)) >= look.least_text - 0.05
    for item in drawing.items:
        for color in re.findall("#[0-9a-f]{6}", str(item)):
            assert color[1:3] == color[3:5] == color[5:7], (item, "print needs no colour")


def test_every_edge_and_node_of_an_architecture_is_in_its_picture(drawings):
    for name, entry in ENTRIES.items():
        if name in ("network-darts", "network-efficientnet-b0", "difference-darts", "difference-chains", "supernet"):
            continue
        architecture = entry.architecture
        diagram = architecture.space.diagram(architecture)
        for style in GALLERY.STYLES:
            named = {item.name for item in drawings[name, style].items}
            assert {node.id for node in diagram.nodes} <= named, name
            assert {f"{edge.source}→{edge.target}" for edge in diagram.edges} <= named, name
