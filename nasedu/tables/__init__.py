"""Tables: the truth for every architecture of a space, ours and published ones. None of them needs torch.

``nasedu table build NAME`` makes those that :func:`load` knows; anybody can make them again.
"""

from pathlib import Path

from nasedu.tables.build import RECIPES
from nasedu.tables.files import read
from nasedu.tables.nasbench101 import read_nasbench101
from nasedu.tables.nats_bench import read_nats_bench
from nasedu.tables.table import Table

__all__ = ["Table", "find", "load", "names", "read", "read_nasbench101", "read_nats_bench"]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them


def names() -> list[str]:
    """Return the names that :func:`load` knows."""
    return list(RECIPES)


def load(name: str) -> Table:
    """Return the table of this name.

    Args:
        name: ``"nasbench201-mnist1d"`` or ``"nasbench201-digits"``: all cells of NAS-Bench-201 on that dataset.

    Raises:
        ValueError: no table has this name.
        FileNotFoundError: this installation does not have its file.
    """
    if name not in RECIPES:
        raise ValueError(f"unknown table {name!r}; there are {', '.join(RECIPES)}.")
    path = Path(__file__).with_name(f"{name}.npz")
    if not path.is_file():
        raise FileNotFoundError(
            f"the file of table {name} is not in this installation. Build it with 'nasedu table build {name}', "
            "and read it with nas.tables.Table.load(file)."
        )
    return Table.load(path)


def find(name_or_path: str) -> Table:
    """Return the table of this name, or of this file if it ends in ``.npz``.

    Raises:
        ValueError, FileNotFoundError: see :func:`load` and :meth:`Table.load`.
    """
    if name_or_path.lower().endswith(".npz"):
        return Table.load(name_or_path)
    if name_or_path not in RECIPES and Path(name_or_path).suffix:
        raise ValueError(
            f"a table is one of {', '.join(RECIPES)}, or a file that ends in .npz; got {name_or_path!r}. A CSV or JSON "
            "file becomes one by nas.tables.read(space, file, score=…).save('table.npz')."
        )
    return load(name_or_path)
