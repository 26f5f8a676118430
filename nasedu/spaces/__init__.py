"""Search spaces: one file per space. None of them needs torch."""

import inspect
from typing import Any

from nasedu.core import SearchSpace
from nasedu.spaces.chain import Chain
from nasedu.spaces.darts import DARTS
from nasedu.spaces.enas import ENASMacro, ENASMicro
from nasedu.spaces.graphs import Graphs
from nasedu.spaces.mbconv import MBConv
from nasedu.spaces.mlp import MLP
from nasedu.spaces.named import named
from nasedu.spaces.nasbench101 import NASBench101
from nasedu.spaces.nasbench201 import NASBench201
from nasedu.spaces.nasnet import AmoebaNet, NASNet, PNASNet
from nasedu.spaces.nats_size import NATSSize
from nasedu.spaces.recurrent import Recurrent

__all__ = [
    "DARTS",
    "MLP",
    "AmoebaNet",
    "Chain",
    "ENASMacro",
    "ENASMicro",
    "Graphs",
    "MBConv",
    "NASBench101",
    "NASBench201",
    "NASNet",
    "NATSSize",
    "PNASNet",
    "Recurrent",
    "create",
    "named",
]

SPACES: dict[str, type[SearchSpace]] = {
    "amoebanet": AmoebaNet,
    "chain": Chain,
    "darts": DARTS,
    "enas-macro": ENASMacro,
    "enas-micro": ENASMicro,
    "graphs": Graphs,
    "mbconv": MBConv,
    "mlp": MLP,
    "nasbench101": NASBench101,
    "nasbench201": NASBench201,
    "nasnet": NASNet,
    "nats-size": NATSSize,
    "pnasnet": PNASNet,
    "recurrent": Recurrent,
}


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them


def create(name: str, **parameters: Any) -> SearchSpace:
    """Return the search space of this name.

    Args:
        name: one of ``SPACES``, such as ``"nasbench201"``.
        parameters: the arguments of the space's class.

    Raises:
        ValueError: no space has this name, or the space has no such parameter.
    """
    if name not in SPACES:
        raise ValueError(f"unknown search space {name!r}; there are {', '.join(SPACES)}.")
    known = list(inspect.signature(SPACES[name]).parameters)
    for parameter in parameters:
        if parameter not in known:
            raise ValueError(f"{name} has no parameter {parameter!r}; it has {', '.join(known) or 'none'}.")
    return SPACES[name](**parameters)
