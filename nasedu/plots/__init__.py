"""Figures: architectures as graphs, searches as curves. Colours and dash patterns are those of ``palette.json``.

Importing this loads no matplotlib; drawing does.
"""

from nasedu.plots.architecture import architecture_figure, check_format, draw, save, save_figure
from nasedu.plots.curves import bands, diversity, histories
from nasedu.plots.fronts import front, front_cells
from nasedu.plots.maps import controller
from nasedu.plots.overview import history_figure
from nasedu.plots.races import critical_difference, race, regret
from nasedu.plots.weights import alphas, losses, supernet

__all__ = [
    "alphas",
    "architecture_figure",
    "bands",
    "check_format",
    "controller",
    "critical_difference",
    "diversity",
    "draw",
    "front",
    "front_cells",
    "histories",
    "history_figure",
    "losses",
    "race",
    "regret",
    "save",
    "save_figure",
    "supernet",
]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
