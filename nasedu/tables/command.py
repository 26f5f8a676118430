"""The command ``nasedu table build | verify | info``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["add_parsers"]

INTERRUPTED = 130  # as a shell reports it


def add_parsers(table: Any) -> None:
    """Give the parser of ``nasedu table`` its commands."""
    commands = table.add_subparsers(dest="table_command", required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="train every architecture of a table", allow_abbrev=False)
    build.description = (
        "Build a table: train every architecture, measure what it costs, pack the results. Takes hours. "
        "A build that was stopped goes on where it was; seeds can be added to a finished one."
    )
    build.add_argument("name", metavar="NAME", help="nasbench201-mnist1d or nasbench201-digits")
    build.add_argument("--seeds", type=int, default=3, help="trainings of each architecture (3)")
    build.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where its files are (here)")
    build.add_argument("--processes", type=int, help="trainings at a time (the cores; 1 on a GPU)")
    build.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    build.add_argument(
        "--batch", type=int, help="architectures that a process trains side by side (as before, or what is quickest)"
    )
    build.add_argument("--quiet", action="store_true", help="no progress bars")
    build.set_defaults(run=_build)

    verify = commands.add_parser("verify", help="train some rows of a table again", allow_abbrev=False)
    verify.description = (
        "Verify a table: check its structure, count weights and FLOPs of some rows again, and train these rows with a "
        "seed that it has and one that it has not. Exit code 1 if the new accuracies differ by more than seed noise."
    )
    verify.add_argument("table", metavar="NAME|FILE", help="its name, or an .npz file")
    verify.add_argument("--rows", type=int, default=50, help="how many to train again (50)")
    verify.add_argument("--seed", type=int, default=0, help="which rows (0)")
    verify.add_argument("--processes", type=int, help="trainings at a time (the cores; 1 on a GPU)")
    verify.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    verify.add_argument("--quiet", action="store_true", help="no progress bar")
    verify.set_defaults(run=_verify)

    info = commands.add_parser("info", help="say what is in a table, and how noisy it is", allow_abbrev=False)
    info.add_argument("table", metavar="NAME|FILE", help="its name, or an .npz file")
    info.set_defaults(run=_info)


def _build(arguments: argparse.Namespace) -> int:
    from nasedu.tables.build import RECIPES, build

    if arguments.name not in RECIPES:
        raise ValueError(f"unknown table {arguments.name!r}; there are {', '.join(RECIPES)}.")
    part = arguments.out / f"{arguments.name}.part.jsonl"
    kept = f"what was finished is in {part}, and the same command goes on from there."
    before = signal.signal(signal.SIGTERM, _terminated)  # whoever stops it learns what is kept
    try:
        path = build(
            RECIPES[arguments.name],
            arguments.out,
            seeds=arguments.seeds,
            processes=arguments.processes,
            device=arguments.device,
            batch=arguments.batch,
            progress=not arguments.quiet,
        )
    except KeyboardInterrupt as stop:
        print(f"nasedu: interrupted; {kept}", file=sys.stderr)
        return stop.args[0] if stop.args else INTERRUPTED
    except ChildProcessError as error:
        raise ChildProcessError(f"{error} See --processes and --batch; {kept}") from error
    finally:
        signal.signal(signal.SIGTERM, before)
    print(path)
    return 0


def _terminated(number: int, _: Any) -> NoReturn:
    raise KeyboardInterrupt(128 + number)  # the exit code that a shell reports


def _verify(arguments: argparse.Namespace) -> int:
    from nasedu.tables import find
    from nasedu.tables.verify import report, verify

    table = find(arguments.table)
    found = verify(
        table,
        rows=arguments.rows,
        seed=arguments.seed,
        processes=arguments.processes,
        device=arguments.device,
        progress=not arguments.quiet,
    )
    print(report(table, found))
    return 1 if found.problems else 0


def _info(arguments: argparse.Namespace) -> int:
    from nasedu.tables import find
    from nasedu.tables.info import describe

    print(describe(find(arguments.table)))
    return 0
