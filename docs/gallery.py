"""Make the gallery: python docs/gallery.py. It draws every picture anew into docs/gallery, and writes docs/gallery.md.

The pictures are SVG in two styles, for a light screen and for a printed column of 8.5 cm. Nothing in them changes
from run to run. A minute; no GPU, no network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nasedu as nas
from nasedu import plots
from nasedu.plots.drawing import Drawing
from nasedu.spaces import darts, enas, mbconv, nasbench201, nasnet, recurrent
from nasedu.spaces.named import PUBLISHED

FOLDER = Path(__file__).parent
STYLES = {"light": "", "print": "-print"}
TABLE = "nasbench201-mnist1d"
LONGEST = 400  # characters of a native string that the page shows


class Entry(NamedTuple):
    """A picture of the gallery.

    Attributes:
        name: of its files.
        title: above it.
        draw: makes the drawing in a style.
        caption: what to see, and where it comes from.
        architecture: that it shows, if it shows one.
        code: that saves the picture, in light style, as ``name.svg``; where it knows ``nas``, ``Perceptron`` and
            ``weights``.
    """

    name: str
    title: str
    draw: Callable[[str], Drawing]
    caption: str
    architecture: nas.Architecture | None = None
    code: str = ""


class Perceptron(nas.SearchSpace):
    """A space of one's own: one or two hidden layers, the second only where the first is wide."""

    def __init__(self) -> None:
        decisions = [
            nas.Decision("depth", (1, 2)),
            nas.Decision("width 1", (16, 64)),
            nas.Decision("width 2", (8, 16, 32)),
            nas.Decision("activation", ("relu", "tanh")),
        ]
        super().__init__("perceptron", decisions)

    def active(self, choices: tuple[int, ...]) -> tuple[bool, ...]:
        """The second width matters where there are two layers."""
        return True, True, choices[0] == 1, True

    def is_valid(self, choices: tuple[int, ...]) -> bool:
        """A second layer is never wider than the first."""
        return choices[0] == 0 or self.decisions[2].options[choices[2]] <= self.decisions[1].options[choices[1]]


def of(name: str, title: str, architecture: nas.Architecture, caption: str, **options: Any) -> Entry:
    """Return the entry of an architecture as it is."""
    arguments = [made_by(architecture), f'"{name}.svg"', *(f"{key}={value}" for key, value in options.items())]
    return Entry(
        name, title, lambda style: plots.drawing_of(architecture, style=style, **options), caption, architecture,
        f"nas.plots.save({', '.join(arguments)})",
    )  # fmt: skip


def made_by(architecture: nas.Architecture) -> str:
    """Return the Python that makes an architecture: by the name that it has in the literature, or by its string."""
    if isinstance(architecture.space, Perceptron):
        return f'Perceptron().parse("{architecture}")'
    names = (name for name, make in PUBLISHED.items() if make() == architecture)
    return f'nas.spaces.named("{next(names, str(architecture))}")'


def entries() -> Iterator[Entry]:
    """Yield the gallery, in its order."""
    yield from cells()
    yield from networks()
    yield from small_cells()
    yield from others()
    yield from views()


def cells() -> Iterator[Entry]:
    """Yield the published cells of the NASNet family."""
    yield of(
        "darts-v1", "DARTS, first order", nas.spaces.DARTS().parse(darts.DARTS_V1),
        "Liu, Simonyan & Yang, arXiv:1806.09055, found with the first-order gradient. The reduction cell is pooling "
        "and skip connections alone.",
    )  # fmt: skip
    yield of(
        "darts-v2", "DARTS, second order", nas.spaces.DARTS().parse(darts.DARTS_V2),
        "The cells of Figures 4 and 5 of the same paper, found with the second-order gradient.",
    )  # fmt: skip
    yield of(
        "nasnet-a", "NASNet-A", nas.spaces.NASNet().parse(nasnet.NASNET_A),
        "Zoph, Vasudevan, Shlens & Le, arXiv:1707.07012, Figure 4, as the genotype that the authors of DARTS "
        "published. Five nodes add up two operations each, which may be on the same input, as at node 5 of the normal "
        "cell.",
    )  # fmt: skip
    yield of(
        "amoebanet-a", "AmoebaNet-A", nas.spaces.AmoebaNet().parse(nasnet.AMOEBANET_A),
        "Real, Aggarwal, Huang & Le, arXiv:1802.01548, found by regularised evolution; the genotype as above.",
    )  # fmt: skip
    yield of(
        "pnasnet-5", "PNASNet-5", nas.spaces.PNASNet().parse(nasnet.PNASNET_5),
        "Liu et al., arXiv:1712.00559, Figure 1: one cell for both uses, its reduction form with strides.",
    )  # fmt: skip
    yield of(
        "enas-micro", "ENAS, micro", nas.spaces.ENASMicro().parse(enas.ENAS_MICRO),
        "Pham, Guan, Zoph, Le & Dean, arXiv:1802.03268, the cells of the authors' final script.",
    )  # fmt: skip


def networks() -> Iterator[Entry]:
    """Yield what is a whole network."""
    yield of(
        "enas-macro", "ENAS, macro", nas.spaces.ENASMacro(layers=8).sample(np.random.default_rng(0)),
        "A network of the macro space of the same paper with 8 layers, drawn at random: each layer has an operation, "
        "and the outputs of any earlier layers may join its own: the arcs.", labels=False, legend=False,
    )  # fmt: skip
    mobile = nas.spaces.MBConv()
    yield of(
        "efficientnet-b0", "EfficientNet-B0", mobile.parse(mbconv.EFFICIENTNET_B0),
        "Tan & Le, arXiv:1905.11946, Table 1: seven stages of MBConv blocks, all with squeeze-and-excitation.",
    )  # fmt: skip
    yield of(
        "mnasnet-a1", "MnasNet-A1", mobile.parse(mbconv.MNASNET_A1),
        "Tan et al., arXiv:1807.11626, Figure 7: stages differ in kernel, expansion and squeeze-and-excitation.",
    )  # fmt: skip
    yield of(
        "mobilenet-v2", "MobileNetV2", mobile.parse(mbconv.MOBILENET_V2),
        "Sandler et al., arXiv:1801.04381, Table 2: designed by hand, and a point of the same space.",
    )  # fmt: skip
    chain = nas.spaces.Chain(max_depth=6, skips=True)
    yield of(
        "chain", "A chain", chain.parse("conv3-16-relu > conv3-16-relu+skip > pool > conv5-32-relu > dense-32-relu"),
        "One layer after another, as in Zoph & Le, arXiv:1611.01578, one of them with a skip connection around it.",
    )  # fmt: skip
    yield of(
        "mlp", "A multilayer perceptron",
        nas.spaces.MLP(max_depth=4, skips=True).parse("batch: 64-relu > 64-relu+skip > 32-tanh"),
        "For tables of numbers: widths, activations, normalization, skip connections.",
    )  # fmt: skip
    yield of(
        "nats-size", "Five widths", nas.spaces.NATSSize().parse("8:16:32:64:64"),
        "The size space of NATS-Bench, Dong et al., arXiv:2009.00437: 8⁵ widths of one topology.",
    )  # fmt: skip


def small_cells() -> Iterator[Entry]:
    """Yield cells of the tabular benchmarks, and those that students make."""
    table = nas.tables.load(TABLE)
    order = np.argsort(table.test_accuracies(), kind="stable")
    worst, best = (table.architectures[int(order[place])] for place in (0, -1))
    reasons = {"best": "Chosen by the test itself, as no search may.", "worst": "Nothing reaches its output."}
    for name, title, cell in (("best", "The best cell", best), ("worst", "The worst cell", worst)):
        yield of(
            f"nasbench201-{name}", f"{title} of NAS-Bench-201 on MNIST-1D", cell,
            f"By the table `{TABLE}`: {100 * table.test(cell):.2f} % test accuracy, "
            f"the mean of {len(table.seeds)} trainings. {reasons[name]}",
        )  # fmt: skip
    matrix = ["0111010", "0000001", "0000001", "0000100", "0000001", "0000001", "0000000"]
    conv3, conv1, pool = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
    yield of(
        "nasbench101-inception", "A cell of NAS-Bench-101",
        nas.spaces.NASBench101().from_matrix(
            [list(map(int, row)) for row in matrix], ["input", conv1, conv3, conv3, conv3, pool, "output"]
        ),
        "Ying et al., arXiv:1902.09635: operations are on the nodes. This one is like Inception's; it is the example "
        "in the benchmark's README, and its network has 2,694,282 parameters.",
    )  # fmt: skip
    yield of(
        "rnn-darts", "A recurrent cell of DARTS", nas.spaces.Recurrent().parse(recurrent.DARTS_V2),
        "arXiv:1806.09055, Figure 6, second order: eight nodes, all of them averaged.",
    )  # fmt: skip
    yield of(
        "rnn-enas", "The recurrent cell of ENAS",
        nas.spaces.Recurrent(nodes=11, loose_ends=True).parse(recurrent.ENAS),
        "arXiv:1802.03268, Figure 6: the loose ends are averaged.",
    )  # fmt: skip


def others() -> Iterator[Entry]:
    """Yield graphs that grow, and a space of one's own."""
    yield of(
        "graph", "A graph that has grown",
        nas.spaces.Graphs(max_nodes=8).parse(
            "conv_3x3(0); conv_1x1(0); conv_3x3(1,2); max_pool_3x3(1); skip_connect(0,3); conv_3x3(4,5)"
        ),
        "Of the space of free-form graphs: each node adds up one or two earlier ones and applies its operation.",
    )  # fmt: skip
    yield of(
        "own-space", "A space of one's own", Perceptron().architecture((1, 1, 1, 0)),
        "A few lines, [`Perceptron`](gallery.py): four decisions, one of them active only where there are two layers, "
        "and a rule of validity. The drawing comes for nothing.",
    )  # fmt: skip


def views() -> Iterator[Entry]:
    """Yield what else can be drawn of an architecture."""
    v1, v2 = (nas.spaces.DARTS().parse(text) for text in (darts.DARTS_V1, darts.DARTS_V2))
    b0 = nas.spaces.MBConv().parse(mbconv.EFFICIENTNET_B0)
    cell = nas.spaces.NASBench201().architecture((3, 1, 2, 4, 2, 3))
    yield Entry(
        "network-darts", "The network of DARTS's cells", lambda style: plots.network(
            v2, (3, 32, 32), 10, channels=36, cells=6, style=style),
        "DARTS_V2 on CIFAR-10, with its 3,349,342 parameters. Each cell reads the two before it, so an arc passes "
        "each reduction cell.", v2,
        'nas.plots.save(nas.plots.network(nas.spaces.named("darts-v2"), (3, 32, 32), 10, channels=36, cells=6), '
        '"network-darts.svg")',
    )  # fmt: skip
    yield Entry(
        "network-efficientnet-b0", "The network of EfficientNet-B0", lambda style: plots.network(
            b0, (3, 224, 224), 1000, style=style),
        "Stages with the shapes of their outputs, their weights and their FLOPs.", b0,
        'nas.plots.save(nas.plots.network(nas.spaces.named("efficientnet-b0"), (3, 224, 224), 1000), '
        '"network-efficientnet-b0.svg")',
    )  # fmt: skip
    yield Entry(
        "cell-and-network", "A cell and its network", lambda style: plots.network(
            cell, (3, 32, 32), 10, channels=16, cells=5, skeleton="published", style=style, with_architecture=True),
        "NAS-Bench-201: the cell, and where it stands.", cell,
        f'cell = {made_by(cell)}\n'
        'options = {"channels": 16, "cells": 5, "skeleton": "published"}\n'
        'drawing = nas.plots.network(cell, (3, 32, 32), 10, with_architecture=True, **options)\n'
        'nas.plots.save(drawing, "cell-and-network.svg")',
    )  # fmt: skip
    yield Entry(
        "difference-darts", "Two searches compared",
        lambda style: plots.difference(v1, v2, names=("V1", "V2"), style=style),
        "DARTS_V1 against DARTS_V2, in one layout: what two separate searches found, with the first-order and with "
        "the second-order gradient.", None,
        'v1, v2 = nas.spaces.named("darts-v1"), nas.spaces.named("darts-v2")\n'
        'nas.plots.save(nas.plots.difference(v1, v2, names=("V1", "V2")), "difference-darts.svg")',
    )  # fmt: skip
    chain = nas.spaces.Chain(max_depth=6)
    shorter, longer = (
        chain.parse(text)
        for text in ("conv3-16-relu > pool > dense-32-relu", "conv3-16-relu > conv3-16-relu > pool > dense-16-relu")
    )
    yield Entry(
        "difference-chains", "A chain and its child",
        lambda style: plots.difference(shorter, longer, names=("parent", "child"), style=style),
        "The child has a convolution more, and half the units in its dense layer. Equal layers are found and stand in "
        "the same place.", None,
        "chain = nas.spaces.Chain(max_depth=6)\n"
        f'parent, child = chain.parse("{shorter}"), chain.parse("{longer}")\n'
        'nas.plots.save(nas.plots.difference(parent, child, names=("parent", "child")), "difference-chains.svg")',
    )  # fmt: skip
    yield Entry(
        "string", "A cell as its string", lambda style: plots.with_string(cell, style=style, highlight=[2]),
        "Each piece is underlined as its edge is drawn. In a notebook, pointing at one lights up the other.", cell,
        f'nas.plots.save(nas.plots.with_string({made_by(cell)}, highlight=[2]), "string.svg")',
    )  # fmt: skip
    weights = drawn_weights()
    some = ", ".join(f'"{name}": {weight:.2f}' for name, weight in [*weights["0", "1"].items()][:2])
    yield Entry(
        "supernet", "A supernet", lambda style: plots.drawing_of(cell, weights=weights, style=style, legend=True),
        "All operations on every edge, as wide and as strong as their weights (here drawn at random): "
        f'`weights = {{("0", "1"): {{{some}, …}}, …}}`.', None,
        f'cell = {made_by(cell)}\nnas.plots.save(cell, "supernet.svg", weights=weights, legend=True)',
    )  # fmt: skip


def drawn_weights() -> dict[tuple[str, str], dict[str, float]]:
    """Return weights for every operation of every edge of a NAS-Bench-201 cell, drawn at random."""
    rng = np.random.default_rng(0)
    return {
        (str(source), str(target)): dict(zip(nasbench201.OPERATIONS, rng.dirichlet(np.full(5, 0.7)), strict=True))
        for source, target in nasbench201.EDGES
    }


def page(found: list[Entry]) -> str:
    """Return the page about the pictures."""
    lines = [
        "# Gallery",
        "",
        "Drawn by `python docs/gallery.py`. Under each picture stands the Python that makes it, after `import nasedu",
        "as nas`. The ending of the file's name says the format: SVG, PDF, PNG or TikZ (`.tex`); an architecture also",
        "becomes Graphviz's DOT (`.dot`) or Mermaid (`.mmd`), which are laid out by their own programs. The style is",
        '`style="light"`, `"dark"`, `"print"` or `"slide"`; what is for print needs no colour and fits a column of',
        "8.5 cm. From the shell: `nasedu draw darts-v2 -o cell.pdf --style print`.",
        "",
        "The native strings of published architectures are constants of `nasedu/spaces/`, such as",
        '`nas.spaces.darts.DARTS_V2`; `nas.spaces.named("darts-v2")` makes the architecture, as it does of a string.',
        "",
        *(f"* [{entry.title}](#{anchor(entry.title)})" for entry in found),
        "",
    ]
    for entry in found:
        lines += [f"## {entry.title}", "", f"![{entry.title}](gallery/{entry.name}.svg)", ""]
        lines += [f"{entry.caption} [For print](gallery/{entry.name}-print.svg).", ""]
        lines += ["```python", entry.code, "```", ""]
        native = str(entry.architecture or "")
        string = [] if native in entry.code else ["```", native, "```", ""]
        if len("".join(string)) > LONGEST:
            string = ["<details><summary>native string</summary>", "", *string, "</details>", ""]
        lines += string
    return "\n".join(lines)


def anchor(title: str) -> str:
    """Return what a link to a heading calls it, as GitHub does."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def make(folder: Path) -> None:
    """Draw everything into a folder."""
    pictures = folder / "gallery"
    pictures.mkdir(parents=True, exist_ok=True)
    found = list(entries())
    for entry in found:
        for style, ending in STYLES.items():
            plots.save_drawing(entry.draw(style), pictures / f"{entry.name}{ending}.svg")
    (folder / "gallery.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    make(FOLDER)
