"""Weight sharing: supernets that contain every architecture of a space, and the searches that train them."""

from nasedu.oneshot import supernet
from nasedu.oneshot.architecture_gradient import exact_gradient, finite_difference_gradient, first_order_gradient
from nasedu.oneshot.darts import DARTS
from nasedu.oneshot.loop import OneShotSearch, search

__all__ = [
    "DARTS",
    "OneShotSearch",
    "exact_gradient",
    "finite_difference_gradient",
    "first_order_gradient",
    "search",
    "supernet",
]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
