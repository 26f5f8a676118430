"""The size space of NATS-Bench."""

import time

import pytest

from nasedu.spaces import NATSSize

SPACE = NATSSize()


def test_there_are_32768_sizes():
    """arXiv:2009.00437: five layers with 8 to 64 channels in steps of 8."""
    assert SPACE.size == 8**5 == 32_768 and SPACE.size_is_exact
    assert len({str(size) for size in SPACE}) == 32_768
    assert str(next(iter(SPACE))) == "8:8:8:8:8"


def test_the_benchmarks_string_is_read_layer_by_layer():
    size = SPACE.parse("8:16:24:32:64")
    assert list(size.options.values()) == [8, 16, 24, 32, 64] and str(size) == "8:16:24:32:64"
    assert [node.label for node in SPACE.diagram(size).nodes[1:-1]] == [
        "cell 8",
        "reduction 16",
        "cell 24",
        "reduction 32",
        "cell 64",
    ]


WRONG = ["", "8:8:8:8", "8:8:8:8:8:8", "8:8:8:8:9", "8:8:8:8:08", "8,8,8,8,8", "8:" * 50_000]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_size_is_refused(text):
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"expected the channels of 5 layers.*one of 8, 16, 24, 32, 40, 48, 56, 64"):
        SPACE.parse(text)
    assert time.perf_counter() - start < 1
