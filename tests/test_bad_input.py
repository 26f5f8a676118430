"""Whatever is no architecture is refused: by ValueError or TypeError, in words, within a second, and nothing is run."""

import importlib.util
import json
import time
from pathlib import Path

import numpy as np
import pytest

import nasedu as nas
from nasedu.spaces import SPACES
from nasedu.spaces.darts import DARTS_V2

PATH = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"
SPEC = importlib.util.spec_from_file_location("fuzz", PATH)
fuzz = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fuzz)

MEGABYTES = 10_000_000
CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"


def refused(work, match=r"\w"):
    """Run what must be refused, and return the message."""
    start = time.process_time()
    with pytest.raises((ValueError, TypeError), match=match) as caught:
        work()
    assert time.process_time() - start < 1
    assert len(str(caught.value)) < 5000
    return str(caught.value)


# Strings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "frob",
            "|",
            "()",
            "[]",
            "{}",
            "None",
            "\x00",
            "\ud800",
            "١:٢:٣:٤:٥",
            "９ ９",
            "²",
            "-1",
            "1.5",
            "1e3",
            "nan",
        ),
        *("__import__('os').system('touch hacked')", "(lambda: open('hacked', 'w'))()", "{self.__class__}", "%n"),
        *("(" * 90_000, "[" * 90_000, "Genotype(" * 10_000, "a=" * 40_000, "9" * 90_000, "> " * 40_000, "0 " * 49_000),
        *("x" * MEGABYTES, "(" * MEGABYTES, "|" * MEGABYTES, "0:" * (MEGABYTES // 2), "1" * MEGABYTES),
    ],
    ids=lambda text: f"{text[:12]!a} of {len(text)}",
)
def test_what_is_no_native_string_is_refused(name, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(lambda: SPACES[name]().parse(text))
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("value", [None, True, 1, 1.5, float("nan"), b"bytes", ["a"], {"a": 1}, object])
def test_what_is_no_string_is_refused(name, value):
    refused(lambda: SPACES[name]().parse(value), "string")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("'sep_conv_3x3', 0", "__import__('os').system('touch hacked'), 0"), "expected|genes"),
        (("range(2, 6)", "range(2, 10**9)"), "expected"),
        (("range(2, 6)", "(lambda: exit())()"), "expected"),
        (("'sep_conv_3x3', 0", "'sep_conv_9x9', 0"), "unknown operation 'sep_conv_9x9'"),
        (("'sep_conv_3x3', 0", "'none', 0"), "unknown operation 'none'"),
        (
            ("'sep_conv_3x3', 0", "'sep_conv_3x3', 2"),
            "must have two different sources among 0..1",
        ),  # node 2 reading itself: a cycle
        (("'sep_conv_3x3', 0", "'sep_conv_3x3', -1"), "expected"),
        (("'sep_conv_3x3', 0", "'sep_conv_3x3', 0.5"), "expected"),
        (("'sep_conv_3x3', 0", "'sep_conv_3x3', True"), "expected"),
        (("'sep_conv_3x3', 0", "'sep_conv_3x3', ٠"), "expected"),
        (("('sep_conv_3x3', 0), ", ""), "8 genes"),
        (("normal_concat", "normal_cat"), "expected"),
        (("Genotype(", "Genotype(Genotype("), "expected"),
        (("reduce=", "reduce=reduce="), "expected"),
    ],
    ids=str,
)
def test_a_mistake_in_a_genotype_is_named(change, message):
    text = DARTS_V2.replace(*change, 1)
    assert text != DARTS_V2
    refused(lambda: nas.spaces.DARTS().parse(text), message)


# Matrices, choices, parameters --------------------------------------------------------------------

CHAIN = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
OPERATIONS = ["input", "conv3x3-bn-relu", "output"]


def full(vertices):
    return [[int(i < j) for j in range(vertices)] for i in range(vertices)]


@pytest.mark.parametrize(
    ("matrix", "operations", "message"),
    [
        ([[0, 1, 0], [1, 0, 1], [0, 0, 0]], OPERATIONS, "must have no cycle"),
        ([[0, 1, 0], [0, 1, 1], [0, 0, 0]], OPERATIONS, "must have no cycle"),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], OPERATIONS, "is disconnected"),
        (np.eye(8, k=1, dtype=int), ["input", *["maxpool3x3"] * 6, "output"], "at most 7 vertices|7"),
        (full(5), ["input", *["maxpool3x3"] * 3, "output"], "9"),
        (CHAIN, ["input", "conv5x5", "output"], "unknown operation 'conv5x5'"),
        (CHAIN, OPERATIONS[:2], "'input', …, 'output'|operation for each"),
        (CHAIN, ["input", "maxpool3x3", "maxpool3x3", "output"], "operation for each of 3 vertices; got 4"),
        (CHAIN[:2], OPERATIONS, "must be square"),
        ([[0, 1], [0]], ["input", "output"], "must be square"),
        ([], ["input", "output"], "must be square"),
        ([[0, 2], [0, 0]], ["input", "output"], "0 or 1; got '2'"),
        ([[0, 1.0], [0, 0]], ["input", "output"], "whole numbers"),
        ([[0, float("nan")], [0, 0]], ["input", "output"], "whole numbers"),
        ([[0, "1"], [0, 0]], ["input", "output"], "whole numbers"),
        ([[0, None], [0, 0]], ["input", "output"], "whole numbers"),
        (np.ones((3000, 3000), dtype=int), ["input", *["maxpool3x3"] * 2998, "output"], "2 to 100 vertices"),
    ],
)
def test_a_matrix_that_is_no_cell_is_refused(matrix, operations, message):
    refused(lambda: nas.spaces.NASBench101().from_matrix(matrix, operations), message)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("value", [1.5, "1", None, float("nan"), [0], -1, 10**30])
def test_a_choice_that_is_no_index_is_refused(name, value):
    space = SPACES[name]()
    choices = list(space.sample(np.random.default_rng(0)).choices)
    for wrong in ([value, *choices[1:]], [*choices[:-1], value]):
        refused(lambda wrong=wrong: space.architecture(wrong))
    refused(lambda: space.architecture(choices[:-1]), f"{len(choices)} choices")
    refused(lambda: space.architecture([*choices, 0]), f"{len(choices)} choices")
    refused(lambda: space.architecture(value))


# Files --------------------------------------------------------------------------------------------


def document():
    return nas.spaces.NASBench201().parse(CELL).to_json()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b"[]",
        b"null",
        b'"' + b"x" * MEGABYTES + b'"',
        b"[" + b"0," * (MEGABYTES // 2) + b"0]",
        b"x" * MEGABYTES,
    ],
    ids=lambda content: f"{content[:8]!r} of {len(content)}",
)
@pytest.mark.parametrize("kind", [nas.Architecture, nas.History])
def test_a_file_of_something_else_is_refused(content, kind, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(content + b"\n")
    refused(lambda: kind.load(path), "x.json")


def test_a_file_of_many_decisions_is_read_at_once(tmp_path):
    space = nas.SearchSpace("many", [nas.Decision(f"decision {number}", (1, 2, 3)) for number in range(10_000)])
    architecture, path = space.architecture((1,) * 10_000), tmp_path / "many.nas.json"
    architecture.save(path)
    start = time.process_time()
    assert nas.Architecture.load(path).choices == architecture.choices
    assert time.process_time() - start < 1


def set_at(document, keys, value):
    for key in keys[:-1]:
        document = document[key]
    document[keys[-1]] = value


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("format",), "frob", "its format is 'frob'"),
        (("version",), 2, "version 2"),
        (("space",), [], "damaged"),
        (("space", "name"), ["a"], "damaged"),
        (("space", "decisions"), [], "at least one decision|unknown decision"),
        (("space", "decisions", 0, "options"), [], "damaged|at least one option"),
        (("space", "decisions", 0, "options"), ["nor_conv_3x3", "nor_conv_3x3"], "different options"),
        (("space", "decisions", 0, "options"), ["a"] * 500_000, "unknown option|different options"),
        (("space", "decisions", 0, "name"), "a,b" * 1_000_000, "unknown decision|no ','"),
        (("choices",), None, "damaged"),
        (("choices", "edge 0→1"), "frob", "unknown option 'frob' of decision 'edge 0→1'"),
        (("choices", "edge 0→1"), 1.5, "unknown option 1.5"),
        (("choices", "edge 0→1"), [[]], "unknown option"),
        (("choices", "edge 9→9"), "none", "unknown decision 'edge 9→9'"),
    ],
)
def test_a_mistake_in_a_file_is_named(keys, value, message, tmp_path):
    wrong = document()
    set_at(wrong, keys, value)
    path = tmp_path / "cell.nas.json"
    path.write_text(json.dumps(wrong), encoding="utf-8")
    assert "cell.nas.json" in refused(lambda: nas.Architecture.load(path), message)


@pytest.mark.parametrize(
    ("line", "keys", "value", "message"),
    [
        (0, ("format",), "frob", "its format is 'frob'"),
        (0, ("space",), None, "header is damaged"),
        (0, ("space", "decisions", 0, "options"), 5, "header is damaged"),
        (1, ("event",), "frob", "expected an ask, trial or step"),
        (1, ("number",), 1.5, "expected an ask, trial or step"),
        (1, ("choices",), [0, 0], "6 choices"),
        (1, ("choices",), ["a"] * 6, "whole numbers"),
        (1, ("choices",), [9] * 6, "must lie in"),
        (2, ("accuracy",), 1.5, r"fraction in \[0, 1\]"),
        (2, ("accuracy",), "high", "."),
        (2, ("metrics",), 3, "trial 0 of the history is damaged"),
        (2, ("number",), 7, "trial 7 without an ask"),
    ],
)
def test_a_mistake_in_a_history_is_named(line, keys, value, message, tmp_path):
    rows = [json.loads(row) for row in fuzz.TEXT_CORPORA["histories"][0].splitlines()]
    set_at(rows[line], keys, value)
    path = tmp_path / "log.nas.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    refused(lambda: nas.History.load(path).trials, message)


# Fuzzing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_fuzzing_finds_nothing(name):
    tries = 60 * fuzz.SHARES[name]
    outcomes = fuzz.run(name, tries)
    assert sum(outcomes.values()) >= tries
    assert min(outcomes.values()) > tries / 40, "some inputs are right, and some are wrong"


def test_the_fuzzer_finds_what_is_wrong(monkeypatch):
    def broken(case):
        if isinstance(case[1], str) and "~" in case[1]:
            raise KeyError("frob")

    monkeypatch.setitem(fuzz.TARGETS, "parse", (broken, fuzz.TARGETS["parse"][1]))
    with pytest.raises(fuzz.Finding, match="KeyError: 'frob'"):
        fuzz.run("parse", 500)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: nas.spaces.Chain(skips="no"), "skips"),
        (lambda: nas.spaces.MLP(skips=1), "skips"),
        (lambda: nas.spaces.Recurrent(loose_ends=None), "loose_ends"),
    ],
)
def test_what_is_neither_true_nor_false_is_refused(make, name):
    refused(make, f"{name} must be True or False; got ")


@pytest.mark.parametrize("weight", [1.1, -0.1, float("nan"), {}, {"none": 0.5, "skip_connect": 2.0}])
def test_a_weight_outside_its_range_is_refused(weight):
    cell = nas.spaces.NASBench201().architecture((3, 0, 1, 4, 2, 3))
    refused(lambda: nas.plots.drawing_of(cell, weights={("0", "1"): weight}), r"must lie in \[0, 1\]; edge")
