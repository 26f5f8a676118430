"""The architecture that a text names: one with a name in the literature, or a native string of any space."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from nasedu.core import Architecture, SearchSpace, check_text, shown
from nasedu.spaces import darts, enas, mbconv, nasnet, recurrent
from nasedu.spaces.chain import Chain
from nasedu.spaces.darts import DARTS
from nasedu.spaces.enas import ENASMacro, ENASMicro
from nasedu.spaces.graphs import Graphs
from nasedu.spaces.mbconv import MBConv, efficientnet
from nasedu.spaces.mlp import MLP
from nasedu.spaces.nasbench101 import NASBench101
from nasedu.spaces.nasbench201 import NASBench201
from nasedu.spaces.nasnet import AmoebaNet, NASNet, PNASNet
from nasedu.spaces.nats_size import NATSSize
from nasedu.spaces.recurrent import Recurrent

__all__ = ["PUBLISHED", "named"]

PUBLISHED: Mapping[str, Callable[[], Architecture]] = {
    "darts-v1": lambda: DARTS().parse(darts.DARTS_V1),
    "darts-v2": lambda: DARTS().parse(darts.DARTS_V2),
    "nasnet-a": lambda: NASNet().parse(nasnet.NASNET_A),
    "amoebanet-a": lambda: AmoebaNet().parse(nasnet.AMOEBANET_A),
    "pnasnet-5": lambda: PNASNet().parse(nasnet.PNASNET_5),
    "enas-micro": lambda: ENASMicro().parse(enas.ENAS_MICRO),
    "enas-macro": lambda: ENASMacro(layers=24).parse(enas.ENAS_MACRO),
    "mobilenet-v2": lambda: MBConv().parse(mbconv.MOBILENET_V2),
    "mnasnet-a1": lambda: MBConv().parse(mbconv.MNASNET_A1),
    "mnasnet-b1": lambda: MBConv().parse(mbconv.MNASNET_B1),
    **{f"efficientnet-b{number}": partial(efficientnet, number) for number in range(8)},
    "darts-v1-rnn": lambda: Recurrent().parse(recurrent.DARTS_V1),
    "darts-v2-rnn": lambda: Recurrent().parse(recurrent.DARTS_V2),
    "enas-rnn": lambda: Recurrent(nodes=11, loose_ends=True).parse(recurrent.ENAS),
}
"""Architectures of the literature, by the names that they have there; their files say where each is from."""
MOST = 100  # layers, blocks or nodes of a space that is made for a string


def named(text: str) -> Architecture:
    """Return the architecture that a text names.

    Args:
        text: a name of ``PUBLISHED``, or a native string. It is read by the first space that understands it, of the
            size that it takes: a chain of five layers by a chain space with depths up to five.

    Raises:
        ValueError: it is neither.

    Example:
        >>> named("darts-v2").space, named("64-relu > 32-tanh").space.name
        (DARTS(), 'mlp')
    """
    text = check_text(text).strip()
    if text in PUBLISHED:
        return PUBLISHED[text]()
    reason = ""
    for make in _makers(text):
        try:
            return make().parse(text)
        except ValueError as error:
            reason = reason or str(error)
    if reason:
        raise ValueError(reason)
    raise ValueError(
        f"{shown(text)} names no architecture. Published ones are {', '.join(PUBLISHED)}. A native string begins like "
        "'|nor_conv_3x3~0|+…' (NAS-Bench-201), 'Genotype(normal=[…' (DARTS and the like), 'conv3-16-relu > …' (chain)."
    )


def _makers(text: str) -> Iterator[Callable[[], SearchSpace]]:
    """Yield the spaces whose strings look like this one, most likely ones first."""
    if "|" in text:
        yield NASBench201
    elif "Genotype" in text:
        yield from _of_a_genotype(text)
    elif "/" in text:
        yield NASBench101
    elif re.match(r"[0-9 ]+$", text):
        layers = (math.isqrt(8 * len(text.split()) + 1) - 1) // 2  # layer n has one operation and n - 1 skips
        yield partial(ENASMacro, min(max(layers, 1), MOST))
    elif re.match(r"[0-9]+:", text):
        yield NATSSize
    elif re.match(r"\w+\([0-9, ]*\)(;|$)", text):
        yield partial(Graphs, min(text.count(";") + 1, 20))
    elif re.match(r"(relu|relu6|silu) >", text):
        yield MBConv
    elif re.match(r"pool|dense|conv", text):
        yield partial(_chain, text)
    elif re.match(r"(batch: |layer: )?[0-9]+-", text):
        yield partial(_mlp, text)


def _of_a_genotype(text: str) -> Iterator[Callable[[], SearchSpace]]:
    genes = text.count("('") + text.count('("')
    if "recurrent" in text:
        for loose_ends in (False, True):
            yield partial(Recurrent, min(max(genes, 1), MOST), loose_ends)
        return
    yield DARTS
    blocks = min(max(genes // 4, 1), 8)
    for kind in (NASNet, AmoebaNet, PNASNet, ENASMicro):
        yield partial(kind, blocks=blocks)


def _chain(text: str) -> Chain:
    kernels = sorted({int(kernel) for kernel in re.findall(r"conv([0-9]{1,6})-", text)}) or [3]
    return Chain(1, _depth(text), _widths(text), kernels, ("relu", "tanh", "gelu"), skips=True)


def _mlp(text: str) -> MLP:
    return MLP(1, _depth(text), _widths(text), ("relu", "tanh", "gelu"), ("none", "batch", "layer"), skips=True)


def _depth(text: str) -> int:
    return min(text.count(">") + 1, MOST)


def _widths(text: str) -> list[int]:
    return sorted({int(width) for width in re.findall(r"(?<![0-9])([0-9]{1,6})-[a-z]", text)}) or [8]
