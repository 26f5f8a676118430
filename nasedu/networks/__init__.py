"""From architectures to networks: operations, cells, skeletons, the weights they start with, and files of them."""

from nasedu.networks.builder import build
from nasedu.networks.export import export

__all__ = ["build", "export"]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
