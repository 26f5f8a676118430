"""From architectures to networks: operations, cells, skeletons, and the weights they start with."""

from nasedu.networks.builder import build

__all__ = ["build"]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
