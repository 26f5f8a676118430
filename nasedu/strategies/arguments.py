"""Checks of what a strategy is made with: each names the argument, says what must hold, and what was given."""

import numpy as np

from nasedu.core import SearchSpace, check_number, check_rng, check_space

__all__ = ["check_above", "check_at_least", "check_share", "check_space_and_rng"]


def check_space_and_rng(space: SearchSpace, rng: np.random.Generator) -> None:
    """Raise TypeError unless these are a search space, not its name, and a source of randomness, not its seed."""
    check_space(space)
    check_rng(rng)


def check_at_least(least: float, **arguments: float) -> None:
    """Raise ValueError unless each of the named arguments is at least this large."""
    for name, value in arguments.items():
        check_number(name, value)
        if not value >= least:
            raise ValueError(f"{name} must be at least {least}; got {value}.")


def check_above(limit: float, **arguments: float) -> None:
    """Raise ValueError unless each of the named arguments is larger than this."""
    for name, value in arguments.items():
        check_number(name, value)
        if not value > limit:
            raise ValueError(f"{name} must be above {limit}; got {value}.")


def check_share(**arguments: float) -> None:
    """Raise ValueError unless each of the named arguments lies between 0 and 1: a probability, a share."""
    for name, value in arguments.items():
        check_number(name, value)
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie in [0, 1]; got {value}.")
