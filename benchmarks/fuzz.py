"""Feed what reads architectures with everything but architectures, and see that it refuses, in words and at once.

    python benchmarks/fuzz.py [--tries 100000] [--targets parse files] [--seed 0] [--atheris]

A try is one input for one reader: a native string that has been cut, spliced, repeated or salted with code, quotes,
digits of other scripts and huge numbers; choices, matrices, parameters and JSON files in which something has been
replaced by a value of another kind, very long or deeply nested. The reader must return an architecture, whose own
string is read as itself again, or raise ValueError or TypeError with a message of at most 20,000 characters, within a
second of CPU time. Anything else is a finding: it is printed with its input, and the exit code is 1.

Inputs come from Hypothesis, which makes the smallest one that fails; with ``--atheris``, where that package is
installed, from a fuzzer that follows the branches of the code.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

import nasedu as nas
from nasedu.spaces import SPACES, genotype, named
from nasedu.spaces.named import PUBLISHED

SECONDS = 1.0  # of CPU time
LONGEST_MESSAGE = 20_000  # characters
FOLDER = Path(tempfile.mkdtemp(prefix="nasedu-fuzz-"))
INSTANCES = {name: kind() for name, kind in SPACES.items()}
STRINGS = {
    name: [str(space.sample(np.random.default_rng(number))) for number in range(8)] for name, space in INSTANCES.items()
}
FAMOUS = [str(make()) for make in PUBLISHED.values()]
SALT = [
    *("__import__('os').system('true')", "exec('x')", "lambda: 0", "range(2, 10**9)", "range(9999, 0)", "[" * 500),
    *("(" * 2000, ")", "'", '"', "\\", "\x00", "\n", "\u2028", "١٢٣", "²", "１", "é", "🙂", "\ud800", "9" * 5000, "-1"),
    *("1.5", "nan", "inf", "1e9", "True", "None", "", " ", "~", "|", "+", "~0|", ">", " > ", ":", ";", ",", "=", "/"),
    *(
        "none",
        "skip_connect",
        "nor_conv_3x3~9",
        "('none', 0)",
        "+skip",
        "pool",
        "conv",
        "0" * 50,
        "1" * 50,
        "%s",
        "{0}",
    ),
]
ODD = [
    *(None, True, False, 0, 1, -1, 2, 7, 1.5, float("nan"), float("inf"), -float("inf"), 10**30, -(10**4000), "", "3"),
    *("x" * 200_000, "١", "\x00", [], {}, [[]], [None], [1.5], ["a"] * 1000, {"a": 1}, [[1, 2], [3]], b"bytes"),
]


def nested(depth: int, kind: str) -> Any:
    """Return lists or dicts in one another."""
    value: Any = 0
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


@st.composite
def mangled(draw: Callable[..., Any], corpus: str) -> str:
    """Draw a text with a few mistakes in it."""
    texts = TEXT_CORPORA[corpus]
    text = texts[draw(st.integers(0, len(texts) - 1))]
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 30)))
        kind = draw(st.sampled_from(("salt", "cut", "twice", "splice", "text", "many")))
        if kind == "salt":
            text = text[:start] + SALT[draw(st.integers(0, len(SALT) - 1))] + text[end:]
        elif kind == "cut":
            text = text[:start] + text[end:]
        elif kind == "twice":
            text = text[:end] + text[start:]
        elif kind == "splice":
            other = texts[draw(st.integers(0, len(texts) - 1))]
            text = text[:start] + other[draw(st.integers(0, len(other))) :]
        elif kind == "text":
            text = text[:start] + draw(st.text(max_size=5)) + text[end:]
        else:
            text = text[:start] + text[start:end] * draw(st.sampled_from((9, 1_000, 300_000))) + text[end:]
    return text


ODD_VALUES = st.one_of(
    st.integers(0, len(ODD) - 1).map(lambda place: copy.deepcopy(ODD[place])),
    st.builds(nested, st.sampled_from((2, 50, 400)), st.sampled_from(("list", "dict"))),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
)


@st.composite
def damaged(draw: Callable[..., Any], corpus: str | list[Any]) -> Any:
    """Draw a document of JSON values in which some have been replaced, taken out or added."""
    documents = DOCUMENTS[corpus] if isinstance(corpus, str) else corpus
    document = copy.deepcopy(documents[draw(st.integers(0, len(documents) - 1))])
    for _ in range(draw(st.integers(0, 3))):
        place: Any = document
        while True:
            if not isinstance(place, dict | list) or not place:
                break
            key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
                kind = draw(st.sampled_from(("replace", "delete", "add")))
                if kind == "delete":
                    del place[key]
                elif kind == "add" and isinstance(place, dict):
                    place[draw(st.text(max_size=5))] = draw(ODD_VALUES)
                else:
                    place[key] = draw(ODD_VALUES)
                break
            place = inner
    return document


# Targets ------------------------------------------------------------------------------------------


def parse(case: tuple[str, str]) -> Any:
    """Read a native string in a space."""
    name, text = case
    return INSTANCES[name].parse(text)


def name_anything(text: str) -> Any:
    """Read a native string of no matter which space."""
    return named(text)


def read_genotype(text: str) -> Any:
    """Read a genotype that need not be of a space."""
    return genotype.read(text)


def choose(case: tuple[str, Any]) -> Any:
    """Make an architecture of choices."""
    name, choices = case
    return INSTANCES[name].architecture(choices)


def create(case: tuple[str, dict[str, Any]]) -> Any:
    """Make a space of parameters, as reading a file does, and draw from it if it is small."""
    name, parameters = case
    space = nas.space(name, **parameters)
    return space.sample(np.random.default_rng(0)) if len(space.decisions) < 200 else None


def from_matrix(case: tuple[Any, Any]) -> Any:
    """Make a cell of a matrix and operations."""
    return INSTANCES["nasbench101"].from_matrix(*case)  # type: ignore[attr-defined]


def read_file(content: str | bytes) -> Any:
    """Read a *.nas.json file, and draw what is in it."""
    path = FOLDER / "case.nas.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    architecture = nas.Architecture.load(path)
    architecture.space.diagram(architecture)
    return architecture


def read_history(content: str | bytes) -> Any:
    """Read a *.nas.jsonl file, and look at its trials."""
    path = FOLDER / "case.nas.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    history = nas.History.load(path)
    return [trial.architecture for trial in history.trials][:0] or None


def _documents() -> list[Any]:
    return [space.sample(np.random.default_rng(0)).to_json() for space in INSTANCES.values()]


def _histories() -> list[list[Any]]:
    space = INSTANCES["nasbench201"]
    strategy = nas.strategies.RandomSearch(space, np.random.default_rng(0))
    search = nas.search(strategy, lambda cells: [nas.Trial(cell, accuracy=0.5, cost=1.0) for cell in cells], trials=3)
    return [[json.loads(line) for line in search.run(progress=False).text().splitlines()]]


def _json(document: Any) -> str | bytes:
    return json.dumps(document, default=repr)


def _lines(rows: Any) -> str | bytes:
    return "".join(f"{_json(row)}\n" for row in rows) if isinstance(rows, list) else f"{_json(rows)}\n"


@st.composite
def matrices(draw: Callable[..., Any]) -> tuple[Any, Any]:
    """Draw a matrix and operations, right or wrong."""
    size = draw(st.integers(1, 9))
    rows = [[draw(st.integers(0, 1)) if i < j else 0 for j in range(size)] for i in range(size)]
    known = ["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"]
    operations = ["input", *(draw(st.sampled_from(known)) for _ in range(size - 2)), "output"]
    return draw(damaged([rows])), draw(damaged([operations]))


DOCUMENTS: dict[str, list[Any]] = {
    "files": _documents(),
    "histories": _histories(),
    **{
        f"choices of {n}": [list(x.sample(np.random.default_rng(k)).choices) for k in (0, 1)]
        for n, x in INSTANCES.items()
    },
    **{f"parameters of {n}": [space.to_json()["parameters"]] for n, space in INSTANCES.items()},
}
TEXT_CORPORA = {
    **STRINGS,
    "all": [*FAMOUS, *(text for texts in STRINGS.values() for text in texts)],
    "files": list(map(_json, DOCUMENTS["files"])),
    "histories": list(map(_lines, DOCUMENTS["histories"])),
}
NAMES = st.sampled_from(list(INSTANCES))
TEXTS = st.one_of(mangled("all"), st.text(max_size=50))


def of_a_space(cases: Callable[[str], st.SearchStrategy[Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    """Return a strategy for the name of a space and a case for it."""
    return NAMES.flatmap(lambda name: st.tuples(st.just(name), cases(name)))


TARGETS: dict[str, tuple[Callable[[Any], Any], st.SearchStrategy[Any]]] = {
    "parse": (parse, of_a_space(lambda name: st.one_of(mangled(name), TEXTS, ODD_VALUES))),
    "named": (name_anything, st.one_of(TEXTS, ODD_VALUES)),
    "genotype": (read_genotype, TEXTS),
    "choices": (choose, of_a_space(lambda name: damaged(f"choices of {name}"))),
    "create": (create, of_a_space(lambda name: damaged(f"parameters of {name}"))),
    "matrix": (from_matrix, matrices()),
    "files": (read_file, st.one_of(damaged("files").map(_json), mangled("files"), st.binary(max_size=50))),
    "histories": (read_history, st.one_of(damaged("histories").map(_lines), mangled("histories"))),
}
SHARES = {"parse": 6, "named": 3, "genotype": 2, "choices": 2, "create": 2, "matrix": 2, "files": 2, "histories": 1}


def check(target: Callable[[Any], Any], case: Any) -> str:
    """Run one try, and return ``"refused"`` or ``"read"``.

    Raises:
        AssertionError: it is a finding.
    """
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = target(case)
        outcome = "read"
    except (ValueError, TypeError) as error:
        found, outcome = None, "refused"
        message = str(error)
        assert message, f"{type(error).__name__} without a message"
        assert len(message) <= LONGEST_MESSAGE, f"a message of {len(message):,} characters: {message[:200]}"
        assert "Traceback" not in message
    seconds = time.process_time() - start
    assert seconds < SECONDS, f"{seconds:.1f} s of CPU time, {outcome}"
    if isinstance(found, nas.Architecture) and type(found.space).__name__ != "RecordedSpace":
        assert found.space.parse(str(found)) == found, f"{found} is not read as itself"
    return outcome


class Finding(Exception):
    """An input that is neither read nor refused, as small as it gets, and what came of it."""


def run(name: str, tries: int, number: int = 0) -> dict[str, int]:
    """Run tries of a target; return how many were read and refused.

    Raises:
        Finding: one was neither.
    """
    target, cases = TARGETS[name]
    outcomes = {"read": 0, "refused": 0}
    failed: list[Any] = []

    @seed(number)
    @settings(
        max_examples=tries,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    @given(cases)
    def one(case: Any) -> None:
        try:
            outcomes[check(target, case)] += 1
        except Exception as error:
            failed[:] = [case, error]
            raise

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a case's long repr
            one()
    except Exception as error:
        if not failed:
            raise
        case, why = failed
        raise Finding(f"{name}: {type(why).__name__}: {str(why)[:500]}\n    {case!r:.500}") from error
    return outcomes


def main() -> int:
    """Run the tries and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=100_000, help="in all")
    parser.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", action="store_true", help="follow the branches of the code; one target")
    arguments = parser.parse_args()
    if arguments.atheris:
        return follow_branches(arguments.targets[0], arguments.tries)
    shares, findings, total = sum(SHARES[name] for name in arguments.targets), 0, 0
    for name in arguments.targets:
        tries, start = -(-arguments.tries * SHARES[name] // shares), time.process_time()
        try:
            outcomes = run(name, tries, arguments.seed)
        except Finding as finding:
            findings += 1
            print(f"FOUND {finding}", flush=True)
            continue
        total += sum(outcomes.values())
        counts = "   ".join(f"{count:>7,} {outcome}" for outcome, count in outcomes.items())
        seconds = time.process_time() - start
        print(f"{name:<10} {sum(outcomes.values()):>8,} tries   {counts}   {seconds:5.0f} s", flush=True)
    print(f"{total:,} tries, {findings} findings")
    return 1 if findings else 0


def follow_branches(name: str, tries: int) -> int:
    """Let atheris make the inputs of a target."""
    import atheris

    target, cases = TARGETS[name]

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cases)
    def one(case: Any) -> None:
        check(target, case)

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-runs={tries}"], atheris.instrument_func(one.hypothesis.fuzz_one_input))
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
