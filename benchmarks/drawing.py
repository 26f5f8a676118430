"""How much CPU time drawing takes, warm, on one thread: layout, drawing, and every output.

    python benchmarks/drawing.py

Prints the median of the repeats, and the 10th and 90th percentile, in ms. A figure is drawn by matplotlib without
pyplot. The network of 20 cells is a DARTS network's stack of cells, every cell with all of its edges and names.
"""

from __future__ import annotations

import argparse
import io
import platform
import time
from collections.abc import Callable

import matplotlib
import numpy as np

import nasedu as nas
from nasedu import plots
from nasedu.plots.canvas import figure_of
from nasedu.plots.drawing import Drawing, stacked
from nasedu.plots.svg import svg
from nasedu.plots.tikz import tikz
from nasedu.spaces import layered


def measure(name: str, work: Callable[[], object], repeats: int) -> None:
    """Print how long the work takes."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    low, middle, high = np.percentile(times, [10, 50, 90])
    print(f"{name:<46}{middle:>9.2f}  {low:>9.2f} to {high:.2f}")


def laid_out(architecture: nas.Architecture) -> nas.Diagram:
    """Return the layered layout, worked out anew."""
    diagram = architecture.space.diagram(architecture)
    layered._places.cache_clear()
    return layered.arrange(diagram.nodes, diagram.edges)


def cells(architecture: nas.Architecture) -> list[nas.Diagram]:
    """Return the diagram of each cell."""
    diagram = architecture.space.diagram(architecture)
    found = []
    for group in dict.fromkeys(node.group for node in diagram.nodes):
        nodes = tuple(node for node in diagram.nodes if node.group == group)
        ids = {node.id for node in nodes}
        found.append(nas.Diagram(nodes, tuple(edge for edge in diagram.edges if edge.source in ids)))
    return found


def network(architecture: nas.Architecture) -> Drawing:
    """Return twenty cells, one below the other: two reductions among eighteen normal ones."""
    drawings = [plots.drawing_of(cell) for cell in cells(architecture)]
    return stacked([drawings[number in (6, 13)] for number in range(20)], 10)


def png(made: Drawing) -> bytes:
    """Return the drawing as a PNG of twice the page's resolution, as notebooks show it."""
    target = io.BytesIO()
    figure_of(made).savefig(target, format="png", dpi=144)
    return target.getvalue()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    rng = np.random.default_rng(0)
    versions = f"Python {platform.python_version()}, matplotlib {matplotlib.__version__}, numpy {np.__version__}"
    print(f"{versions}, {platform.machine()}; n = {repeats}; ms of CPU: median, 10 to 90 %")
    print("\nlayout of a diagram")
    for name in nas.spaces.SPACES:
        architectures = [nas.spaces.create(name).sample(rng) for _ in range(5)]
        nodes = int(np.mean([len(a.space.diagram(a).nodes) for a in architectures]))
        turn = iter(architectures * (repeats // 5 + 2))
        measure(f"{name}, about {nodes} nodes", lambda turn=turn: laid_out(next(turn)), repeats)
    darts = nas.spaces.DARTS().sample(rng)
    cell = cells(darts)[0]
    print("\na DARTS cell")
    measure("cell to drawing", lambda: plots.drawing_of(cell), repeats)
    measure("cell, drawn by matplotlib", lambda: figure_of(plots.drawing_of(cell)).canvas.draw(), repeats)
    measure("cell to SVG", lambda: svg(plots.drawing_of(cell)), repeats)
    measure("cell to PNG", lambda: png(plots.drawing_of(cell)), repeats)
    print("\na DARTS architecture, both cells")
    measure("drawing (layout, labels, colours)", lambda: plots.drawing_of(darts), repeats)
    measure("architecture to PNG", lambda: png(plots.drawing_of(darts)), repeats)
    measure("architecture to SVG", lambda: svg(plots.drawing_of(darts)), repeats)
    measure("architecture to TikZ", lambda: tikz(plots.drawing_of(darts)), repeats)
    measure("architecture for print, to SVG", lambda: svg(plots.drawing_of(darts, style="print")), repeats)
    print("\na network of 20 cells")
    measure("architecture to SVG", lambda: svg(network(darts)), repeats)
    measure("drawn by matplotlib", lambda: figure_of(network(darts)).canvas.draw(), max(repeats // 2, 3))
    measure("architecture to PNG", lambda: png(network(darts)), max(repeats // 4, 3))


if __name__ == "__main__":
    main()
