"""Outputs: each says what the drawing says, and no text in it can become code."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import nasedu as nas
from nasedu import plots
from nasedu.plots import styles
from nasedu.plots.dot import dot
from nasedu.plots.drawing import Drawing, Shape, Stroke, Text
from nasedu.plots.mermaid import mermaid
from nasedu.plots.palette import operation_style
from nasedu.plots.svg import svg
from nasedu.plots.text import plain, short
from nasedu.plots.tikz import tikz
from nasedu.spaces import mbconv

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("nasbench201", "darts", "nasbench101", "chain", "recurrent")
EVIL = "</text><script>&\"'`#;{}[]()|\\N \\input{x} $y_1^2$ %% 50% ~ --> \x00\x1b\u202e\ud800"


def sampled(name: str) -> nas.Architecture:
    return nas.spaces.create(name).sample(np.random.default_rng(1))


def evil(text: str) -> nas.Diagram:
    nodes = (nas.Node("a", 0, 0, text, "input", text), nas.Node(text + "b", 3, 0, text, "operation", text))
    return nas.Diagram(nodes, (nas.Edge("a", text + "b", text),))


# SVG -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", styles.STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_an_svg_has_every_item_of_the_drawing(name: str, style: str) -> None:
    architecture = sampled(name)
    made = plots.drawing_of(architecture, style=style, legend=True)
    root = ElementTree.fromstring(svg(made))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == str(architecture)
    assert root.findtext(f"{SVG}desc") == plots.describe(architecture)
    written = [" ".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert written == [
        plain(item.text).replace("k-", "k−").replace("t-", "t−") for item in made.items if isinstance(item, Text)
    ]
    assert len(list(root.iter(f"{SVG}path"))) == sum(isinstance(item, Stroke) for item in made.items)
    shapes = [rect for rect in root.findall(f"{SVG}rect") if rect.get("data-name")]
    assert [rect.get("data-name") for rect in shapes] == [i.name for i in made.items if isinstance(i, Shape)]
    assert root.find(f"{SVG}rect").get("fill") == styles.STYLES[style].paper
    assert not [element for element in root.iter() if element.tag.removeprefix(SVG) in ("script", "image", "a", "use")]


def test_an_svg_says_which_decision_made_an_edge_and_holds_text_to_its_width() -> None:
    root = ElementTree.fromstring(svg(plots.drawing_of(sampled("nasbench201"))))
    edges = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}path") is not None]
    assert sorted(int(group.get("data-decision")) for group in edges) == list(range(6))
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("textLength")) > 5


# TikZ ------------------------------------------------------------------------------------------


def unescaped(source: str) -> str:
    return re.sub(r"\\[{}$&#%_\\]", "", source)


@pytest.mark.parametrize("name", NAMES)
def test_tikz_has_every_item_and_balanced_braces(name: str) -> None:
    made = plots.drawing_of(sampled(name), legend=True)
    source = tikz(made)
    code = [line for line in source.splitlines() if not line.startswith("%")]
    assert code[0] == r"\documentclass[tikz]{standalone}"
    assert code[-1] == r"\end{document}"
    assert sum(line.startswith(r"\node") for line in code) == sum(isinstance(item, Text) for item in made.items)
    assert sum(".. controls" in line for line in code) == sum(isinstance(item, Stroke) for item in made.items)
    for line in code:
        bare = unescaped(line)
        assert bare.count("{") == bare.count("}") and bare.count("[") == bare.count("]")
        assert line.startswith("\\") and (line.endswith(";") or line[1] in "dbue"), line
        assert "_" not in re.sub(r"\$.*?\$", "", bare), "an underscore outside mathematics stops TeX"


def code_of(made: Drawing) -> str:
    return "\n".join(line for line in tikz(made).splitlines() if not line.startswith("%"))


@pytest.mark.parametrize("name", nas.spaces.SPACES)
def test_tikz_is_ascii_for_every_space_and_view(name: str) -> None:
    space, rng = nas.spaces.create(name), np.random.default_rng(0)
    one, other = space.sample(rng), space.sample(rng)
    for style in ("light", "print"):
        for made in (
            plots.drawing_of(one, style=style, legend=True), plots.difference(one, other, style=style),
            plots.with_string(one, style=style),
        ):  # fmt: skip
            assert code_of(made).isascii()
    difference = code_of(plots.difference(one, other))
    assert (r"$\neq$" in difference) == any(
        "≠" in i.text for i in plots.difference(one, other).items if isinstance(i, Text)
    )


def test_tikz_is_ascii_for_a_network_and_for_any_word() -> None:
    assert code_of(plots.network(sampled("nasbench201"), (3, 16, 16), 10)).isascii()
    source = code_of(plots.drawing_of(evil("Zürich Łódź ≠ … ﬁ Ж")))
    assert source.isascii()
    assert r"Z\"{u}rich" in source and r"\'{o}d\'{z}" in source and r"$\neq$" in source and "fi ?" in source


def test_tikz_draws_where_the_drawing_says() -> None:
    made = plots.drawing_of(sampled("nasbench201"))
    item = next(item for item in made.items if isinstance(item, Stroke))
    drawn = next(line for line in tikz(made).splitlines() if ".. controls" in line)
    points = np.array([list(map(float, pair.split(","))) for pair in re.findall(r"\(([-\d.]+,[-\d.]+)\)", drawn)])
    t = np.linspace(0, 1, 9)[:, None]
    cubic = (
        (1 - t) ** 3 * points[0] + 3 * t * (1 - t) ** 2 * points[1] + 3 * t**2 * (1 - t) * points[2] + t**3 * points[3]
    )
    start, control, end = map(np.array, (item.start, item.control, item.line_end))
    quadratic = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    np.testing.assert_allclose(cubic, quadratic, atol=0.02)


# DOT and Mermaid -------------------------------------------------------------------------------

BOX = r'(?:, style="rounded,filled,\w+", penwidth=[\d.]+)'
QUOTED = r'"(?:[^"\\]|\\["\\])*"'
DOT_LINES = (
    rf"digraph {QUOTED} \{{", r"rankdir=(?:LR|TB);", rf"(?:node|edge) \[(?:\w+=(?:{QUOTED}|\w+)(?:, )?)+\];", r"\}",
    r"subgraph cluster_\d+ \{", rf"label={QUOTED};",
    rf"n\d+ \[label={QUOTED}, fillcolor={QUOTED}, color={QUOTED}{BOX}?\];",
    rf"n\d+ -> n\d+(?: \[label={QUOTED}, color={QUOTED}, fontcolor={QUOTED}, style=\w+, penwidth=[\d.]+\])?;",
)  # fmt: skip


@pytest.mark.parametrize("diagram", [*map(sampled, NAMES), evil(EVIL)])
def test_dot_is_of_the_language_and_complete(diagram) -> None:
    diagram = diagram.space.diagram(diagram) if isinstance(diagram, nas.Architecture) else diagram
    lines = [line.strip() for line in dot(diagram, EVIL).splitlines()]
    for line in lines:
        assert any(re.fullmatch(pattern, line) for pattern in DOT_LINES), line
    edges = re.findall(r"n(\d+) -> n(\d+)", "\n".join(line for line in lines if "->" in line.split('"')[0]))
    index = {node.id: number for number, node in enumerate(diagram.nodes)}
    assert [(int(a), int(b)) for a, b in edges] == [(index[e.source], index[e.target]) for e in diagram.edges]
    assert sum("fillcolor" in line for line in lines) == len(diagram.nodes)


WORDS = r'"[^"`<>\\{}\[\]()|&\n]*"'
MERMAID_LINES = (
    r"%%(?: [^{}]*)?", "flowchart (?:LR|TB)", "direction (?:LR|TB)", "end", rf"subgraph g\d+\[{WORDS}\]",
    rf"n\d+(?:\(\[{WORDS}\]\)|\[{WORDS}\]|\(\({WORDS}\)\)):::\w+_node", rf"n\d+ -->(?:\|{WORDS}\|)? n\d+",
    r"linkStyle \d+ stroke:#\w{6},stroke-width:[\d.]+px(?:,stroke-dasharray:[\d. ]+)?",
    r"style n\d+ stroke:#\w{6},stroke-width:[\d.]+px(?:,stroke-dasharray:[\d. ]+)?",
    r"classDef \w+_node fill:#\w{6},stroke:#\w{6},color:#\w{6}",
)  # fmt: skip


@pytest.mark.parametrize("diagram", [*map(sampled, NAMES), evil(EVIL)])
def test_mermaid_is_of_the_language_and_complete(diagram) -> None:
    diagram = diagram.space.diagram(diagram) if isinstance(diagram, nas.Architecture) else diagram
    lines = [line.strip() for line in mermaid(diagram, EVIL).splitlines()]
    for line in lines:
        assert any(re.fullmatch(pattern, line) for pattern in MERMAID_LINES), line
    assert sum("-->" in line and line[0] == "n" for line in lines) == len(diagram.edges)
    assert sum(":::" in line for line in lines) == len(diagram.nodes)
    styled = [int(line.split()[1]) for line in lines if line.startswith("linkStyle")]
    assert styled == [number for number, edge in enumerate(diagram.edges) if edge.operation]


def test_structure_keeps_direction_and_the_looks_of_boxes() -> None:
    mobile = nas.spaces.MBConv().diagram(nas.spaces.MBConv().parse(mbconv.EFFICIENTNET_B0))
    cell = sampled("nasbench101")
    for diagram, direction in ((mobile, "TB"), (cell.space.diagram(cell), "LR")):
        assert f"rankdir={direction};" in dot(diagram) and f"flowchart {direction}" in mermaid(diagram)
    nodes = (nas.Node("a", 0, 0, "x", "input"), nas.Node("b", 2, 0, "max_pool_3x3", "operation"))
    box = nas.Diagram(nodes, (nas.Edge("a", "b"),))
    look = operation_style("max_pool_3x3")
    assert f'color="{look.color}", style="rounded,filled,dashed"' in dot(box)
    assert f"style n1 stroke:{look.color},stroke-width:2px,stroke-dasharray:" in mermaid(box)
    assert "style n0" not in mermaid(box)


# Any text --------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="latin-1"), max_size=30))
def test_any_text_stays_text(text: str) -> None:
    diagram = evil(text)
    ElementTree.fromstring(svg(plots.drawing_of(diagram)))
    for line in dot(diagram, text).splitlines():
        assert any(re.fullmatch(pattern, line.strip()) for pattern in DOT_LINES), line
    for line in mermaid(diagram, text).splitlines():
        assert any(re.fullmatch(pattern, line.strip()) for pattern in MERMAID_LINES), line
    for line in tikz(plots.drawing_of(diagram)).splitlines():
        if not line.startswith("%"):
            assert unescaped(line).count("{") == unescaped(line).count("}"), line


# Files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [ending.removeprefix(".") for ending in plots.DRAWINGS])
def test_the_same_architecture_gives_the_same_file(ending: str, tmp_path: Path) -> None:
    architecture = sampled("darts")
    one, other = tmp_path / f"one.{ending}", tmp_path / f"other.{ending}"
    plots.save(architecture, one)
    plots.save(architecture, other)
    assert one.read_bytes() == other.read_bytes()
    start = {"svg": b"<svg", "pdf": b"%PDF", "png": b"\x89PNG", "tex": b"% Geno", "dot": b"digraph", "mmd": b"%% Geno"}
    assert one.read_bytes().startswith(start[ending])


def test_a_file_has_the_style_and_the_description(tmp_path: Path) -> None:
    architecture = sampled("nasbench201")
    plots.save(architecture, tmp_path / "cell.png", style="dark")
    image = Image.open(tmp_path / "cell.png")
    assert image.convert("RGB").getpixel((1, 1)) == (0x11, 0x11, 0x11)
    assert image.text["Description"] == plots.describe(architecture)
    plots.save(architecture, tmp_path / "cell.pdf")
    assert b"/Subject" in (tmp_path / "cell.pdf").read_bytes()


def test_endings_are_checked_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.svg, \.pdf, \.png, \.tex, \.dot or \.mmd; got '.*gif'"):
        plots.save(sampled("darts"), tmp_path / "cell.gif")
    with pytest.raises(
        ValueError, match=r"must end in \.svg, \.pdf, \.png or \.tex; got '.*dot'.*save the architecture"
    ):
        plots.save_drawing(plots.drawing_of(sampled("darts")), tmp_path / "cell.dot")


def test_labels_with_commas_are_described_in_order_and_apart() -> None:
    said = plots.describe(nas.spaces.MBConv().parse(mbconv.EFFICIENTNET_B0))
    labels = said.partition(": ")[2].partition(". From")[0].split("; ")
    diagram = nas.spaces.MBConv().diagram(nas.spaces.MBConv().parse(mbconv.EFFICIENTNET_B0))
    assert labels == [node.label for node in diagram.nodes if node.kind == "operation"]


def test_text_too_small_for_print_is_said(tmp_path: Path) -> None:
    space = nas.spaces.Chain(min_depth=40, max_depth=40)
    with pytest.warns(UserWarning, match=r"text in this drawing is [\d.]+ points high.*draw less of it"):
        plots.save(space.sample(np.random.default_rng(0)), tmp_path / "deep.svg", style="print")
    plots.save(sampled("nasbench201"), tmp_path / "cell.svg", style="print")  # a warning would be an error


@pytest.mark.parametrize(
    ("name", "brief"),
    [
        ("sep_conv_3x3", "sep 3×3"), ("nor_conv_1x1", "conv 1×1"), ("conv3x3-bn-relu", "conv 3×3"),
        ("maxpool3x3", "max 3×3"), ("conv_7x1_1x7", "conv 7×1 1×7"), ("skip_connect", "skip"), ("none", "none"),
        ("dil_conv_5x5", "dil 5×5"), ("tanh", "tanh"),
    ],
)  # fmt: skip
def test_short_names(name: str, brief: str) -> None:
    assert short(name) == brief
