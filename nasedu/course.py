"""What the lessons need besides the laboratory: exercises that check themselves.

A check is a handful of plain asserts, each a law with a hint as its message, so that a student
can read what is asked. A wrong or unfinished answer prints the hint and the notebook goes on.

    with exercise("tournament"):
        assert tournament([0.1, 0.9], [0, 1]) == 1, "the winner is the draw with the highest accuracy"
"""

import sysconfig
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["exercise"]

WIDTH = 88  # characters


@contextmanager
def exercise(title: str) -> Iterator[None]:
    """Run the asserts of an exercise and print what came out, without stopping the notebook.

    Args:
        title: how the exercise is called in what is printed.

    Example:
        >>> with exercise("one plus one"):
        ...     assert 1 + 1 == 2, "count your fingers"
        ✓ one plus one: correct.
        >>> with exercise("one plus one"):
        ...     assert None == 2, "count your fingers"
        ✗ one plus one: not yet. Hint: count your fingers
    """
    try:
        yield
    except AssertionError as error:
        _print(f"✗ {title}: not yet. Hint: {error}")
    except Exception as error:  # whatever a student's function raises is an answer that is not right yet
        _print(f"✗ {title}: not yet. Your code raised {type(error).__name__}{_place(error)}: {error}")
    else:
        print(f"✓ {title}: correct.")


def _print(text: str) -> None:
    """Print in lines that fit beside JupyterLab's file browser: it breaks longer ones in the middle of a word."""
    for line in text.splitlines():
        print(textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False))


def _place(error: Exception) -> str:
    """Return where in the student's own code an error was raised, or nothing if it was in the check itself."""
    libraries = (str(Path(__file__).parent), sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(libraries)]
    return f" in line {own[-1].lineno} of {own[-1].name}" if own and own[-1].name != "<module>" else ""
