"""The command line: ``nasedu lab | search | race | draw | export | table | doctor``.

What needs torch, matplotlib or Jupyter is imported inside the command that uses it, so that help is quick.
A mistake in what was typed or in a file is one line on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import pandas

    from nasedu.core import Architecture, SearchSpace, Trial
    from nasedu.history import History
    from nasedu.tables import Table

__all__ = ["main"]

ALIASES = {"evolution": "regularized-evolution", "random": "random-search"}
WEIGHT_SHARING = ("darts",)
DEFAULTS = {"data": "mnist1d", "trials": 20, "steps": 500, "epochs": 10, "unit": "fraction"}  # of nasedu search
EXTENSION = Path(__file__).parent / "widgets" / "labextension"
INTERRUPTED = 130  # as a shell reports it
CHECKPOINTS = (10, 50, 100, 200, 500, 1000)  # trials after which nasedu race prints what was found
SHARES = (1 / 8, 1 / 4, 1 / 2, 1)  # of a budget of seconds, likewise
RACERS = (  # of nasedu race: one or two of each family, as many as a figure shows well; the first to compare with
    *("random-search", "local-search", "regularized-evolution", "genetic-algorithm", "reinforce", "q-learning"),
    *("bayesian-optimization", "bananas"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Returns:
        0; 1 if ``doctor`` misses something, 2 for wrong input, 130 if interrupted; for ``lab`` JupyterLab's.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        given, rest = _split_off_jupyter_arguments(given)
        arguments = _parser().parse_args(given)
        arguments.rest = rest
        return int(arguments.run(arguments))
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    except BrokenPipeError:  # the reader of the output has gone
        sys.stderr.close()
        return 0
    except (ValueError, OSError, ImportError) as error:
        is_of_system = isinstance(error, OSError) and error.filename is not None
        text = f"{error.strerror}: {error.filename}" if is_of_system else str(error)  # type: ignore[union-attr]
        return _complain(text)
    except RuntimeError as error:
        from nasedu.training import TrainingFailure  # torch, which is imported by now if it is this

        if not isinstance(error, TrainingFailure):
            raise
        return _complain(str(error))


def _complain(text: str) -> int:
    print(f"nasedu: {' '.join(text.split())}", file=sys.stderr)
    return 2


def _split_off_jupyter_arguments(given: list[str]) -> tuple[list[str], list[str]]:
    """Return our arguments, and those of ``nasedu lab`` that are JupyterLab's: all after the directory."""
    if given[:1] != ["lab"] or {"-h", "--help"} & set(given):
        return given, []
    own = 2 if given[1:2] and not given[1].startswith("-") else 1
    return given[:own], given[own:]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see {self.prog} --help.")


def _parser() -> _Parser:
    from nasedu import __version__
    from nasedu.spaces import SPACES
    from nasedu.tables.command import add_parsers as add_table_parsers

    parser = _Parser(prog="nasedu", description="Learn neural architecture search.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"nasedu {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    lab = commands.add_parser("lab", help="open the course in JupyterLab", allow_abbrev=False)
    lab.description = (
        "Open the course in JupyterLab. Arguments after DIR, or from the first option on, go to JupyterLab."
    )
    lab.add_argument("directory", nargs="?", type=Path, metavar="DIR")
    lab.set_defaults(run=_lab)
    lab.epilog = (
        "With DIR, lessons that are not there yet are copied into it; files that are there are left as they are. "
        "Without DIR: the notebooks of the repository if you are in it, else a copy in ./nasedu-course."
    )

    search = commands.add_parser("search", help="search for an architecture", allow_abbrev=False)
    search.description = "Search for an architecture. With --history, an interrupted search goes on where it stopped."
    search.add_argument("--space", default="nasbench201", help=f"{', '.join(SPACES)} (default: nasbench201)")
    search.add_argument(
        "--strategy",
        default="random-search",
        help=f"{', '.join(_strategies())} (default: random-search); or darts, which shares weights",
    )
    search.add_argument("--data", help="mnist1d (default), digits, cifar10, or diabetes, a regression")
    search.add_argument("--trials", type=int, help="in all, those of a resumed history included (20)")
    search.add_argument("--steps", type=int, help="of a strategy that shares weights (500)")
    search.add_argument("--epochs", type=int, help="of training for each trial, or of what was derived (10)")
    search.add_argument("--seed", type=int, default=0, help="of the search and of the trainings (0)")
    search.add_argument("--history", type=Path, metavar="FILE", help="a .nas.jsonl file to write or go on with")
    search.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the strategy; where it is several names, with commas between them",
    )
    search.add_argument(
        "--table", metavar="NAME|FILE", help="look accuracies up instead of training; .npz, .csv or .json"
    )
    search.add_argument("--score", metavar="COLUMN", help="of a CSV or JSON file: the column to search by")
    search.add_argument("--test", metavar="COLUMN", help="of a CSV or JSON file: the column with the test accuracy")
    search.add_argument("--unit", help="of a CSV or JSON file's accuracies: fraction (default) or %%")
    search.add_argument("--quiet", action="store_true", help="no progress bar")
    search.set_defaults(run=_search)

    race = commands.add_parser("race", help="let strategies race on a table", allow_abbrev=False)
    race.description = (
        "Race on a table: each strategy, at its default settings, searches from the same seeds by the validation "
        "accuracy of the table's first training of each architecture. What it has found is judged by the test "
        "accuracy, the mean over all trainings, which no strategy sees."
    )
    race.add_argument("--table", required=True, metavar="NAME|FILE", help="its name, or an .npz file")
    race.add_argument(
        "--strategies",
        metavar="A,B,…",
        help=f"the first is the one to compare with ({', '.join(RACERS)}); an unknown name prints all",
    )
    race.add_argument("--trials", type=int, help="of each search (200; with --seconds as many as they allow)")
    race.add_argument(
        "--seconds", type=float, help="a budget of training time for each search, as the table has it; figure over time"
    )
    race.add_argument("--seeds", type=int, default=20, help="searches of each strategy (20)")
    race.add_argument("--processes", type=int, help="searches at a time (one for each core)")
    race.add_argument("--figure", type=Path, metavar="OUT", help="a picture to draw; ends in .svg, .pdf or .png")
    race.add_argument("--quiet", action="store_true", help="no progress bar")
    race.set_defaults(run=_race)

    draw = commands.add_parser("draw", help="draw an architecture", allow_abbrev=False)
    draw.description = "Draw an architecture: as a file for a paper, a page or a slide."
    _add_architecture(draw)
    draw.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help=".svg, .pdf, .png, .tex, .dot or .mmd"
    )
    draw.add_argument("--style", default="light", help="light, dark, print (for a column, needs no colour) or slide")
    draw.set_defaults(run=_draw)

    export = commands.add_parser("export", help="write a network as a Python file or as ONNX", allow_abbrev=False)
    export.description = (
        "Write the network of an architecture, with fresh weights, to a file that does not need nasedu: Python source "
        "with its weights beside it, or ONNX. To export a network that you have trained: nasedu.networks.export."
    )
    _add_architecture(export)
    export.add_argument("--to", choices=("python", "onnx"), help="what to write, if the name of the file does not say")
    export.add_argument("-o", "--output", type=Path, metavar="OUT", help="ends in .py or .onnx (network.py)")
    export.add_argument("--input-shape", default="1,40", metavar="C,L|C,H,W", help="of one sample (1,40)")
    export.add_argument("--classes", type=int, default=10, help="outputs of the network (10)")
    export.add_argument("--channels", type=int, default=8, help="of the first cells, where the space has cells (8)")
    export.add_argument("--cells", type=int, default=1, help="in a stage, where the space has cells (1)")
    export.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="of the network, such as skeleton=published"
    )
    export.add_argument("--seed", type=int, default=0, help="of the weights (0)")
    export.set_defaults(run=_export)

    table = commands.add_parser("table", help="build or look at a table of results", allow_abbrev=False)
    table.description = "Tables: the truth for every architecture of a space."
    add_table_parsers(table)

    doctor = commands.add_parser("doctor", help="say what is installed and what is missing", allow_abbrev=False)
    doctor.set_defaults(run=_doctor)
    return parser


# nasedu lab ------------------------------------------------------------------------------------


def _lab(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError("JupyterLab is not installed: run pip install 'nasedu[lab]'.")
    directory = _course_directory(arguments.directory)
    extension = _lab_extension()
    if extension is not None and _is_out_of_date(extension):
        print(f"nasedu: the JupyterLab extension in {extension} is out of date: {REINSTALL}.", file=sys.stderr)
    command = [
        *(sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={directory.resolve()}"),
        "--LabApp.news_url=None",  # a class may be offline: nothing is asked of the network
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *(["--allow-root"] if _is_root() else []),  # in a container one often is, and JupyterLab would refuse
        *arguments.rest,
    ]
    print(f"The course is in {directory}. To stop JupyterLab, press Ctrl-C twice here.", file=sys.stderr, flush=True)
    return _start(command)


def _start(command: list[str]) -> int:
    if os.name == "posix":
        os.execv(command[0], command)  # it takes the place of this process: what stops one stops the other
    return subprocess.call(command)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _course_directory(given: Path | None) -> Path:
    """Return where to open JupyterLab; lessons that are not there yet are copied."""
    here = Path("notebooks")
    if given is None and here.is_dir() and Path("nasedu", "cli.py").is_file():
        return here
    directory = given or Path("nasedu-course")
    if directory.exists() and not directory.is_dir():
        raise ValueError(f"DIR must be a directory; {str(directory)!r} is a file.")
    directory.mkdir(parents=True, exist_ok=True)
    copied = _copy_course(directory)
    if copied:
        print(f"Copied {len(copied)} files into {directory}.", file=sys.stderr)
    return directory


def _copy_course(directory: Path) -> list[Path]:
    """Copy the course's files into a directory; what is there stays as it is. Return what was copied."""
    package = Path(__file__).parent
    sources = [place for place in (package / "course_notebooks", package.parent / "notebooks") if place.is_dir()]
    if not sources:
        raise ValueError("this installation has no notebooks: get them from the repository, and run nasedu lab there.")
    copied = []
    for source in sorted(sources[0].rglob("*")):
        relative = source.relative_to(sources[0])
        is_hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
        target = directory / relative
        if source.is_file() and not is_hidden and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            copied.append(target)
    return copied


# nasedu search ---------------------------------------------------------------------------------


def _search(arguments: argparse.Namespace) -> int:
    import nasedu as nas

    space = nas.space(arguments.space)
    name = ALIASES.get(arguments.strategy, arguments.strategy)
    if arguments.seed < 0:
        raise ValueError(f"--seed must not be negative; got {arguments.seed}.")
    strategies = _strategies()
    if name not in (*strategies, *WEIGHT_SHARING):
        known = ", ".join([*strategies, *WEIGHT_SHARING])
        raise ValueError(f"unknown strategy {arguments.strategy!r}; there are {known}.")
    _check_options(arguments, shares_weights=name in WEIGHT_SHARING)
    settings = _settings(arguments.set)
    if arguments.history is not None and not arguments.history.name.endswith(".nas.jsonl"):
        raise ValueError(f"--history must end in .nas.jsonl; got {str(arguments.history)!r}.")
    started = time.perf_counter()
    if name in WEIGHT_SHARING:
        return _share_weights(arguments, space, settings, started)
    return _run_trials(arguments, space, strategies[name], settings, started)


def _check_options(arguments: argparse.Namespace, shares_weights: bool) -> None:
    """Refuse options that would change nothing, and fill in the defaults of the others."""
    idle = {}  # option: why it would change nothing
    if shares_weights:
        idle["trials"] = "is not for a strategy that shares weights: say how long with --steps"
    else:
        idle["steps"] = (
            f"is for a strategy that shares weights ({', '.join(WEIGHT_SHARING)}): say how long with --trials"
        )
    if arguments.table is None:
        idle |= dict.fromkeys(("score", "test", "unit"), "says how to read a table: say which one with --table")
    else:
        if not _is_file_of_others(arguments.table):
            idle |= dict.fromkeys(("score", "test", "unit"), f"is for a CSV or JSON file; got {arguments.table}")
        nothing_to_train = ("epochs",) if shares_weights else ("epochs", "data")
        idle |= dict.fromkeys(nothing_to_train, "is for training, and with --table accuracies are looked up")
    for option, why in idle.items():
        if getattr(arguments, option) is not None:
            raise ValueError(f"--{option} {why}.")
    for option, default in DEFAULTS.items():
        if getattr(arguments, option) is None:
            setattr(arguments, option, default)


def _strategies() -> dict[str, Any]:
    """Return the black-box strategies by their names on the command line: their classes' names in lower case."""
    from nasedu import strategies

    classes = [getattr(strategies, name) for name in strategies.__all__]
    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", found.__name__).lower(): found
        for found in classes
        if hasattr(found, "ask") and "space" in inspect.signature(found).parameters  # not those around another one
    }


def _settings(pairs: list[str]) -> dict[str, Any]:
    settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (equals and name.isidentifier()):
            raise ValueError(f"--set takes NAME=VALUE, such as population_size=20; got {pair!r}.")
        try:
            settings[name] = json.loads(text)
        except json.JSONDecodeError:
            settings[name] = text
    return settings


def _make(strategy: Any, space: SearchSpace, seed: int, settings: dict[str, Any]) -> Any:
    import numpy as np

    known = [name for name in inspect.signature(strategy).parameters if name not in ("space", "rng")]
    for name in settings:
        if name not in known:
            raise ValueError(f"{strategy.__name__} has no setting {name!r}; it has {', '.join(known) or 'none'}.")
    for name, value in settings.items():
        if isinstance(value, str) and isinstance(inspect.signature(strategy).parameters[name].default, tuple):
            settings[name] = [part.strip() for part in value.split(",")]
    try:
        return strategy(space, np.random.default_rng(seed), **settings)
    except TypeError as error:
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        raise ValueError(f"a setting of {strategy.__name__} is of the wrong kind: {given} ({error}).") from error


def _run_trials(
    arguments: argparse.Namespace, space: SearchSpace, strategy: Any, settings: dict[str, Any], started: float
) -> int:
    import nasedu as nas

    evaluator = _evaluator(arguments, space)
    search = nas.search(
        _make(strategy, space, arguments.seed, settings), evaluator, arguments.trials, history=arguments.history
    )
    already = len(search.history.trials)
    if already >= arguments.trials:
        text = f"{arguments.history} has {already} trials already, and --trials counts them: no trial was added."
        print(f"nasedu: {text}", file=sys.stderr)
    interrupted = False
    try:
        search.run(progress=not arguments.quiet)
    except KeyboardInterrupt:
        interrupted = True
    if not interrupted or any(trial.failure is None for trial in search.history.trials):
        _print_result(arguments, search.history, evaluator, started, interrupted)
    return (
        _say_how_to_go_on(arguments, f"{len(search.history.trials)} of {arguments.trials} trials") if interrupted else 0
    )


def _evaluator(arguments: argparse.Namespace, space: SearchSpace) -> Any:
    from nasedu import data, evaluators, tables

    if arguments.table is None:
        return evaluators.Train(data.load(arguments.data), epochs=arguments.epochs, seed=arguments.seed)
    if not _is_file_of_others(arguments.table):
        return tables.find(arguments.table)
    if arguments.score is None:
        raise ValueError("--table needs --score COLUMN, the accuracy to search by, and may have --test COLUMN.")
    return tables.read(space, arguments.table, score=arguments.score, test=arguments.test, unit=arguments.unit)


def _is_file_of_others(table: str) -> bool:
    """Say whether it is a file that needs --score, and not one of our tables by name or file."""
    return table.lower().removesuffix(".gz").endswith((".csv", ".json"))


def _print_result(
    arguments: argparse.Namespace, history: History, evaluator: Any, started: float, interrupted: bool
) -> None:
    incumbent = history.incumbent
    failed = sum(trial.failure is not None for trial in history.trials)
    print(incumbent.architecture)
    _print_score("validation", incumbent, incumbent.score if incumbent.accuracy is None else incumbent.accuracy)
    if not interrupted:
        _print_test_score(arguments, evaluator, incumbent)
    print(f"trials               {len(history.trials)}{f', {failed} of them failed' if failed else ''}")
    print(f"time                 {time.perf_counter() - started:.1f} s")


def _print_score(split: str, trial: Trial, score: float, note: str = "") -> None:
    """Print an accuracy in %, or what a trial without one is judged by: R², of a regression."""
    name, value = ("R²", f"{score:.4f}") if trial.accuracy is None else ("accuracy", f"{100 * score:.2f} %")
    print(f"{f'{split} {name}':<21}{value}{note}")


def _print_test_score(arguments: argparse.Namespace, evaluator: Any, trial: Trial) -> None:
    if arguments.table is not None and not evaluator.has_test:
        none = "name the table's column with --test" if _is_file_of_others(arguments.table) else "the table has none"
        print(f"test accuracy        not looked up: {none}")
    else:
        _print_score("test", trial, evaluator.test(trial.architecture))


def _share_weights(arguments: argparse.Namespace, space: SearchSpace, settings: dict[str, Any], started: float) -> int:
    import nasedu as nas

    data = nas.data.load(arguments.data)
    evaluator = _evaluator(arguments, space)
    strategy = _make(nas.oneshot.DARTS, space, arguments.seed, settings)
    search = nas.oneshot.search(strategy, data, steps=arguments.steps, history=arguments.history, seed=arguments.seed)
    try:
        history = search.run(progress=not arguments.quiet)
    except KeyboardInterrupt:
        return _say_how_to_go_on(arguments, "some steps")
    print(history.derived)
    trial = evaluator([history.derived])[0]
    if trial.failure is None:
        _print_score("validation", trial, trial.score, ", trained on its own")
    _print_test_score(arguments, evaluator, trial)
    print(f"steps                {arguments.steps}")
    print(f"time                 {time.perf_counter() - started:.1f} s")
    return 0


def _say_how_to_go_on(arguments: argparse.Namespace, done: str) -> int:
    if arguments.history is None:
        way = "without --history FILE nothing of it is kept"
    else:
        way = f"they are in {arguments.history}; the same command goes on from there"
    print(f"nasedu: interrupted after {done}; {way}.", file=sys.stderr)
    return INTERRUPTED


# nasedu race -----------------------------------------------------------------------------------


def _race(arguments: argparse.Namespace) -> int:
    import matplotlib
    import numpy as np

    import nasedu as nas

    if arguments.figure is not None:
        nas.plots.check_format(arguments.figure)
        if not arguments.figure.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {arguments.figure.parent} for the figure; make it first.")
    strategies = _racers(arguments.strategies)
    table = nas.tables.find(arguments.table)
    if not table.has_test:
        raise ValueError(f"a race is judged by test accuracy, and table {table.name} has none. Choose another table.")
    count = len(table.seeds)
    table = table.one(table.seeds[0])  # a search trains once
    trials = 200 if arguments.trials is None and arguments.seconds is None else arguments.trials
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="interrupted after")  # it is said below
            frame = nas.race(
                strategies,
                table,
                trials=trials,
                seeds=arguments.seeds,
                seconds=arguments.seconds,
                processes=arguments.processes,
                progress=not arguments.quiet,
            )
    except RuntimeError as error:  # a search failed, and this says which and why
        raise ValueError(str(error)) from error
    except KeyboardInterrupt:
        print("nasedu: interrupted before every strategy had run once; there is nothing to show.", file=sys.stderr)
        return INTERRUPTED
    done, best = frame["seed"].nunique(), float(np.nanmax(table.test_accuracies()))
    of = "one seed" if done == 1 else f"mean ± standard deviation of {done} seeds"
    print(f"test accuracy in % of the best so far by validation, {of}")
    print(_race_table(frame, arguments.seconds))
    judge = "one seed" if count == 1 else f"mean over {count} seeds"
    print(f"best there is          {100 * best:.2f}, {judge}")
    print(f"best by validation     {_best_by_validation(table)}, chosen by one training")
    if done > 1 and len(strategies) > 1:
        print(_race_pairs(frame, arguments.seconds))
    print(f"time                   {time.perf_counter() - started:.1f} s")
    if arguments.figure is not None:
        matplotlib.use("agg")  # it is for a file; there may be no screen
        nas.plots.save_figure(nas.plots.race(frame, best=best, by_time=arguments.seconds is not None), arguments.figure)
    if done < arguments.seeds:
        print(f"nasedu: interrupted after {done} of {arguments.seeds} seeds.", file=sys.stderr)
    return 0 if done == arguments.seeds else INTERRUPTED


def _racers(given: str | None) -> dict[str, Any]:
    """Return the named strategies, or a selection with random search first, by the names of their classes."""
    known = _strategies()
    selection = [name for name in RACERS if name in known]
    names = selection if given is None else [name.strip() for name in given.split(",")]
    for name in names:
        if ALIASES.get(name, name) not in known:
            raise ValueError(f"unknown strategy {name!r}; there are {', '.join(known)}.")
    found = [known[ALIASES.get(name, name)] for name in names]
    for strategy in found:
        count = found.count(strategy)
        if count > 1:
            raise ValueError(f"--strategies must name each strategy once; {strategy.__name__} is there {count} times.")
    return {strategy.__name__: strategy for strategy in found}


def _best_by_validation(table: Table) -> str:
    """Return the test accuracy, in %, of what is best by validation: of several that tie the lowest and highest."""
    import numpy as np

    scores, tests = table.accuracies(), table.test_accuracies()
    tied = tests[scores == np.nanmax(scores)]
    low, high = f"{100 * np.nanmin(tied):.2f}", f"{100 * np.nanmax(tied):.2f}"
    return low if low == high else f"{low} to {high}, of several that tie"


def _race_table(frame: pandas.DataFrame, seconds: float | None) -> str:
    """Return mean and standard deviation over the seeds, in %, by strategy and after some trials or some time."""
    from nasedu import analysis

    last = frame["trial"].max()
    places = [number for number in CHECKPOINTS if number < last] + [last]
    if seconds is not None:
        places = [seconds * share for share in SHARES]
    by = "trial" if seconds is None else "seconds"
    lines = [f"{by + 's' * (by == 'trial'):<22}" + "  ".join(f"{place:>13g}" for place in places)]
    found = [analysis.outcomes(frame, **{by: place}) for place in places]
    for name in found[0]:
        cells = [f"{100 * each[name].mean():.2f}{_spread(each[name])}".rjust(13) for each in found]
        lines.append(f"{name:<22}{'  '.join(cells)}")
    return "\n".join(lines)


def _race_pairs(frame: pandas.DataFrame, seconds: float | None) -> str:
    """Return how far each strategy is ahead of the first at the end, from the same seeds, and how sure that is."""
    import numpy as np

    from nasedu import analysis

    found = analysis.outcomes(frame, seconds=seconds)
    first = next(iter(found))
    lines = [f"against {first}, from the same seeds: difference in points, 95 % interval, p corrected by Holm"]
    rows: Any = analysis.compare(found, np.random.default_rng(0), control=first).itertuples()
    for row in rows:
        gap, low, high = (f"{100 * value:+.2f}" for value in (row.difference, row.low, row.high))
        p = f"p = {row.p_holm:.3f}" if row.p_holm >= 0.001 else "p < 0.001"
        lines.append(f"{row.first:<22}{gap:>7}  {low} to {high}   {p}")
    return "\n".join(lines)


def _spread(values: Any) -> str:
    return f" ± {100 * values.std(ddof=1):.2f}" if len(values) > 1 else ""


# nasedu draw -----------------------------------------------------------------------------------


def _add_architecture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="FILE|NAME|STRING",
        help=".nas.json, .nas.jsonl (its best), a published name such as darts-v2, or a native string",
    )
    parser.add_argument("--space", help="whose string it is; without it, the first space that understands it")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of --space")


def _draw(arguments: argparse.Namespace) -> int:
    from nasedu import plots

    plots.check_format(arguments.output, plots.DRAWINGS)
    architecture = _architecture(arguments)
    plots.save(architecture, arguments.output, style=arguments.style)
    print(f"{arguments.output}: {architecture}")
    return 0


def _architecture(arguments: argparse.Namespace) -> Architecture:
    """Return the architecture of a file, the best of a history, or the one that a name or a native string says."""
    from nasedu import spaces
    from nasedu.core import Architecture
    from nasedu.history import History

    what: str = arguments.what
    parameters = _settings(arguments.set)
    if arguments.space is not None:
        try:
            return spaces.create(arguments.space, **parameters).parse(what)
        except TypeError as error:  # a parameter of the wrong kind
            raise ValueError(str(error)) from error
    if parameters:
        raise ValueError("--set is for the parameters of a space: name it with --space.")
    if what.endswith(".jsonl"):
        history = History.load(what)
        is_weight_sharing = any(event["event"] == "step" for event in history.events)
        return history.derived if is_weight_sharing else history.incumbent.architecture
    return Architecture.load(what) if what.endswith(".json") else spaces.named(what)


# nasedu export ---------------------------------------------------------------------------------


def _export(arguments: argparse.Namespace) -> int:
    import numpy as np

    suffix = {"python": ".py", "onnx": ".onnx"}.get(arguments.to, "")
    output = arguments.output or Path(f"network{suffix or '.py'}")
    if suffix and output.suffix != suffix:
        raise ValueError(f"--to {arguments.to} writes a file that ends in {suffix}; got {str(output)!r}.")
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9}){1,2}", arguments.input_shape):
        raise ValueError(f"--input-shape takes sizes such as 1,40 or 3,32,32; got {arguments.input_shape!r}.")
    shape = tuple(map(int, arguments.input_shape.split(",")))
    architecture, options = _architecture(arguments), _settings(arguments.option)

    from nasedu.networks import build
    from nasedu.networks.export import check_path, export

    check_path(output)
    sizes = {"classes": arguments.classes, "channels": arguments.channels, "cells": arguments.cells}
    try:
        network = build(architecture, shape, rng=np.random.default_rng(arguments.seed), **sizes, **options)
    except TypeError as error:  # an option that the network does not have
        raise ValueError(str(error)) from error
    files = export(network, output, shape, str(architecture))
    weights = sum(each.numel() for each in network.parameters())
    print(f"{', '.join(map(str, files))}: {weights:,} parameters; {architecture}")
    return 0


# nasedu doctor ---------------------------------------------------------------------------------

PACKAGES = (
    *("numpy", "scipy", "torch", "matplotlib", "networkx", "pandas", "scikit-learn", "joblib", "pooch", "tqdm"),
    *("ipywidgets", "anywidget", "jupyterlab"),
)
OPTIONAL = ("optuna", "data", "chromium")
REINSTALL = "run make lab (or the pip install of the README) again, and reload the page"


def _doctor(arguments: argparse.Namespace) -> int:
    from nasedu import __version__

    missing = 0
    print(f"nasedu         {__version__}")
    print(f"python         {sys.version.split()[0]}, {sys.executable}")
    for name in PACKAGES:
        way = "pip install 'nasedu[lab]'"
        missing += _report(name, _version(name), way)
    _report("optuna", _version("optuna"), "only its samplers need it: pip install 'nasedu[optuna]'")
    if _version("torch"):
        print(f"device         {_device()}")
    if _version("joblib"):
        print(f"cores          {_cores()}")
    print(f"memory         {_memory()}")
    missing += _report("widgets", _widgets(), "reinstall nasedu: its folder widgets/static has no widget.js")
    extension = _lab_extension()
    if extension is not None and _is_out_of_date(extension):
        print(f"lab extension  OUT OF DATE in {extension}: {REINSTALL}")
        missing += 1
    else:
        missing += _report("lab extension", extension, "reinstall nasedu: pictures will not be interactive without it")
    _report(
        "data", _data(), "set NASEDU_DATA to a folder, or nas.data.load('cifar10', download=True); the rest needs none"
    )
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    _report("chromium", chromium, "only the browser tests need it: apt-get install chromium")
    wrong = f"{missing} of what is needed is missing or out of date: see the capitals above."
    print(wrong if missing else "Nothing is missing.")
    return 1 if missing else 0


def _report(name: str, found: str | None, way: str) -> bool:
    """Print one line, and return whether it is missing."""
    is_optional = name in OPTIONAL
    lacking = "not there" if is_optional else "MISSING"
    print(f"{name:<14} {found or f'{lacking}: {way}'}")
    return found is None and not is_optional


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _device() -> str:
    import torch

    threads = (
        f"{torch.get_num_threads()} threads in torch, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}"
    )
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        return f"cuda: {name}, {torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB; cpu: {threads}"
    return f"cpu, no CUDA GPU found; {threads}"


def _cores() -> str:
    from joblib import cpu_count

    return f"{cpu_count()} usable of {os.cpu_count()}"


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return "unknown"


def _widgets() -> str | None:
    script = Path(__file__).parent / "widgets" / "static" / "widget.js"
    return f"{script.stat().st_size / 1000:.0f} kB" if script.is_file() else None


def _lab_extension() -> str | None:
    """Return where JupyterLab finds our extension, if it does."""
    if _version("jupyterlab") is None:
        return None
    from jupyter_core.paths import jupyter_path

    folders: list[str] = jupyter_path("labextensions")
    places = [Path(folder, "@nasedu", "labextension") for folder in folders]
    return next((str(place) for place in places if (place / "package.json").is_file()), None)


def _is_out_of_date(installed: str) -> bool:
    """Say whether an installed extension is another one than the repository's, as it is after a git pull.

    An editable installation copies the extension. Its package.json names its code by a hash.
    """
    ours, theirs = (Path(folder, "package.json") for folder in (EXTENSION, installed))
    if not (ours.is_file() and theirs.is_file()):  # ours is not there in a wheel, which has only the installed one
        return False
    return ours.read_bytes() != theirs.read_bytes()


def _data() -> str | None:
    """Return where CIFAR-10 is looked for and whether it is there; the other datasets are made on the spot."""
    from nasedu.data import cifar10

    folders = cifar10._folders()
    found = next((copy for copy in map(cifar10._find, folders) if copy is not None), None)
    return None if found is None else f"cifar10 in {found}"
