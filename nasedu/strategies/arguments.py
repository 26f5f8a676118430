"""Checks of what a strategy is made with: each names the argument, says what must hold, and what was given."""

__all__ = ["check_above", "check_at_least", "check_share"]


def check_at_least(least: float, **arguments: float) -> None:
    """Raise ValueError unless each of the named arguments is at least this large."""
    for name, value in arguments.items():
        if not value >= least:
            raise ValueError(f"{name} must be at least {least}; got {value}.")


def check_above(limit: float, **arguments: float) -> None:
    """Raise ValueError unless each of the named arguments is larger than this."""
    for name, value in arguments.items():
        if not value > limit:
            raise ValueError(f"{name} must be above {limit}; got {value}.")


def check_share(**arguments: float) -> None:
    """Raise ValueError unless each of the named arguments lies between 0 and 1: a probability, a share."""
    for name, value in arguments.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie in [0, 1]; got {value}.")
