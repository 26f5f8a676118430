"""Figures: architectures as graphs, searches as curves. Colours and dash patterns are those of ``palette.json``.

Importing this loads no matplotlib; drawing does.
"""

from nasedu.plots.architecture import architecture_figure, draw, drawing_of
from nasedu.plots.curves import bands, diversity, histories
from nasedu.plots.describe import describe
from nasedu.plots.difference_view import difference
from nasedu.plots.files import DRAWINGS, check_format, save, save_drawing, save_figure
from nasedu.plots.fronts import front, front_cells
from nasedu.plots.maps import controller
from nasedu.plots.network_view import network
from nasedu.plots.overview import history_figure
from nasedu.plots.races import critical_difference, race, regret
from nasedu.plots.string_view import with_string
from nasedu.plots.weights import alphas, losses, supernet

__all__ = [
    "DRAWINGS",
    "alphas",
    "architecture_figure",
    "bands",
    "check_format",
    "controller",
    "critical_difference",
    "describe",
    "difference",
    "diversity",
    "draw",
    "drawing_of",
    "front",
    "front_cells",
    "histories",
    "history_figure",
    "losses",
    "network",
    "race",
    "regret",
    "save",
    "save_drawing",
    "save_figure",
    "supernet",
    "with_string",
]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
