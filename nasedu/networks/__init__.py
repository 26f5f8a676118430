"""From architectures to networks: operations, cells, skeletons, and the weights they start with."""

from nasedu.networks.builder import build

__all__ = ["build"]
