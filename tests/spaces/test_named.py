"""A text names an architecture: published ones by name, native strings without saying whose they are."""

import time

import numpy as np
import pytest

import nasedu as nas
from nasedu.spaces import SPACES, named
from nasedu.spaces.named import PUBLISHED

SAME_STRINGS = {"amoebanet", "enas-micro", "nasnet", "pnasnet", "darts"}  # the text does not say which of them


@pytest.mark.parametrize("name", SPACES)
def test_the_string_of_any_space_is_understood(name):
    space, rng = SPACES[name](), np.random.default_rng(0)
    for _ in range(20):
        architecture = space.sample(rng)
        found = named(str(architecture))
        assert str(found) == str(architecture)
        assert found.space.name == name or {found.space.name, name} <= SAME_STRINGS


@pytest.mark.parametrize(
    ("space", "parameters"),
    [
        ("chain", {"max_depth": 9, "widths": (7, 400), "kernels": (9,), "activations": ("gelu",), "skips": True}),
        ("mlp", {"max_depth": 9, "widths": (7, 400), "normalizations": ("layer",), "skips": True}),
        ("enas-macro", {"layers": 3}),
        ("recurrent", {"nodes": 11, "loose_ends": True}),  # with few nodes all may be loose: then it is the other kind
        ("recurrent", {"nodes": 12}),
        ("graphs", {"max_nodes": 15}),
        ("nasnet", {"blocks": 3}),
    ],
)
def test_spaces_of_other_sizes_are_understood(space, parameters):
    for seed in range(20):
        architecture = nas.space(space, **parameters).sample(np.random.default_rng(seed))
        found = named(f"  {architecture} ")
        assert str(found) == str(architecture)
        assert found.space.name == space or {found.space.name, space} <= SAME_STRINGS


def test_every_published_architecture_has_its_name():
    found = {name: named(name) for name in PUBLISHED}
    assert len({(each.space.name, *each.choices, *map(str, each.space.decisions)) for each in found.values()}) == len(
        found
    )
    assert {each.space.name for each in found.values()} >= {"darts", "nasnet", "pnasnet", "mbconv", "recurrent"}


@pytest.mark.parametrize(
    "start", ["|", "Genotype(", "conv3-1-relu > ", "8:", "0 ", "relu > ", "skip_connect(0);", "/", "x"]
)
def test_what_is_no_architecture_is_refused_in_no_time(start):
    for length in (1, 90_000, 10_000_000):
        text = (start * (1 + length // len(start)))[:length]
        began = time.perf_counter()
        with pytest.raises(ValueError, match=r"\w"):
            named(text + "?")
        assert time.perf_counter() - began < 1
