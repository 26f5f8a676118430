"""The cell spaces of NASNet, AmoebaNet and PNASNet, and the cells that their searches found.

Zoph, Vasudevan, Shlens & Le, "Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018,
arXiv:1707.07012, Section 3: five blocks, each of two earlier states, two of 13 operations, and their sum.
Real, Aggarwal, Huang & Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
arXiv:1802.01548: the same cells with eight operations.
Liu et al., "Progressive Neural Architecture Search", ECCV 2018, arXiv:1712.00559: eight operations, one cell for both
uses, and the output concatenates all blocks.

A block chooses 2 of its earlier states, in order and with repetition, so for O operations a cell has

    (2·3·4·5·6)² · O¹⁰        7.1·10¹⁶ for NASNet, 5.6·10¹⁴ for AmoebaNet and PNASNet

as Radosavovic et al., arXiv:1905.13214, count them; a pair of cells the square of it. The native string is the genotype
of DARTS' code: ``nasedu/spaces/cells.py`` says what these spaces and DARTS share.

The published cells are here as genotypes. Those of NASNet-A and AmoebaNet-A are the ones in the code of DARTS, whose
authors compared them in their own skeleton; PNASNet-5's is read off the network in TensorFlow's model garden.

What differs from the papers:
    * A block adds its two operations. NASNet's may also concatenate them; its published cells all add.
    * The output concatenates the blocks that none reads, as the text of NASNet's Section 3 says. The network in the
      model garden also passes on an input of the normal cell, and a block of the reduction cell that another one reads.
    * Dilated convolutions are those of DARTS' code, which are separable.
"""

from __future__ import annotations

from collections.abc import Sequence

from nasedu.core import shown
from nasedu.spaces.cells import CellSpace

__all__ = ["AMOEBANET_A", "NASNET_A", "OPERATIONS", "PNASNET_5", "AmoebaNet", "NASNet", "PNASNet"]

OPERATIONS = (  # in the order of NASNet's list
    "skip_connect",
    "conv_3x1_1x3",
    "conv_7x1_1x7",
    "dil_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "conv_1x1",
    "conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
)
EIGHT_OPERATIONS = (  # of AmoebaNet and PNASNet
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "avg_pool_3x3",
    "max_pool_3x3",
    "dil_conv_3x3",
    "conv_7x1_1x7",
)

NASNET_A = (
    "Genotype(normal=[('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 0), ('sep_conv_3x3', 0), "
    "('avg_pool_3x3', 1), ('skip_connect', 0), ('avg_pool_3x3', 0), ('avg_pool_3x3', 0), "
    "('sep_conv_3x3', 1), ('skip_connect', 1)], normal_concat=range(2, 7), "
    "reduce=[('sep_conv_5x5', 1), ('sep_conv_7x7', 0), ('max_pool_3x3', 1), ('sep_conv_7x7', 0), "
    "('avg_pool_3x3', 1), ('sep_conv_5x5', 0), ('skip_connect', 3), ('avg_pool_3x3', 2), "
    "('sep_conv_3x3', 2), ('max_pool_3x3', 1)], reduce_concat=[4, 5, 6])"
)
AMOEBANET_A = (
    "Genotype(normal=[('avg_pool_3x3', 0), ('max_pool_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 2), "
    "('sep_conv_3x3', 0), ('avg_pool_3x3', 3), ('sep_conv_3x3', 1), ('skip_connect', 1), "
    "('skip_connect', 0), ('avg_pool_3x3', 1)], normal_concat=[4, 5, 6], "
    "reduce=[('avg_pool_3x3', 0), ('sep_conv_3x3', 1), ('max_pool_3x3', 0), ('sep_conv_7x7', 2), "
    "('sep_conv_7x7', 0), ('avg_pool_3x3', 1), ('max_pool_3x3', 0), ('max_pool_3x3', 1), "
    "('conv_7x1_1x7', 0), ('sep_conv_3x3', 5)], reduce_concat=[3, 4, 6])"
)
_PNASNET_5_CELL = (
    "[('sep_conv_5x5', 0), ('max_pool_3x3', 0), ('sep_conv_7x7', 1), ('max_pool_3x3', 1), "
    "('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 4), ('max_pool_3x3', 1), "
    "('sep_conv_3x3', 0), ('skip_connect', 1)]"
)
PNASNET_5 = (
    f"Genotype(normal={_PNASNET_5_CELL}, normal_concat=range(2, 7), "
    f"reduce={_PNASNET_5_CELL}, reduce_concat=range(2, 7))"
)


class NASNet(CellSpace):
    """Normal and reduction cell of five blocks, 40 decisions; the output concatenates the blocks that none reads.

    Args:
        operations: to choose from, among ``OPERATIONS``; fewer make a smaller space.
        blocks: in each cell, in 1..8.

    Raises:
        ValueError: an operation is unknown, or the number of blocks is out of range.

    Example:
        >>> space = NASNet()
        >>> space.size == (720**2 * 13**10) ** 2
        True
        >>> space.outputs(space.genes(space.parse(NASNET_A).choices, "reduce"))
        (4, 5, 6)
    """

    def __init__(self, operations: Sequence[str] = OPERATIONS, blocks: int = 5) -> None:
        unknown = [name for name in operations if name not in OPERATIONS]
        if unknown:
            raise ValueError(f"unknown operation {shown(unknown[0])}; NASNet has {', '.join(OPERATIONS)}.")
        super().__init__("nasnet", operations, blocks, parameters={"operations": list(operations), "blocks": blocks})


class AmoebaNet(CellSpace):
    """Normal and reduction cell of five blocks and eight operations; loose ends are concatenated as in NASNet.

    Args:
        blocks: in each cell, in 1..8.
    """

    def __init__(self, blocks: int = 5) -> None:
        super().__init__("amoebanet", EIGHT_OPERATIONS, blocks, parameters={"blocks": blocks})


class PNASNet(CellSpace):
    """One cell of five blocks and eight operations, for both uses; the output concatenates all blocks.

    Args:
        blocks: in the cell, in 1..8.

    Example:
        >>> PNASNet().size
        556627761561600
    """

    def __init__(self, blocks: int = 5) -> None:
        super().__init__(
            "pnasnet", EIGHT_OPERATIONS, blocks, loose_ends=False, one_cell=True, parameters={"blocks": blocks}
        )
