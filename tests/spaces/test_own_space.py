"""A space of one's own, as the README shows it: everything comes with it."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import nasedu as nas
from nasedu import networks

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
LINES_PROMISED = 15
SEARCHERS = {
    "RandomSearch": {},
    "RegularizedEvolution": {"population_size": 3, "sample_size": 2},
    "GeneticAlgorithm": {"population_size": 4},
    "ReinforceTable": {},
    "QLearning": {"initial_asks": 2},
    "BayesianOptimization": {"initial_asks": 3, "candidates": 5},
}


def source():
    """Return the README's class: its imports, and from its first line to its last."""
    (block,) = [
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "(nas.SearchSpace)" in block
    ]
    return re.search(r"((?:(?:from|import) .*\n)*)\n(class .*?\n)\n\w", block, re.DOTALL).groups()


@pytest.fixture(scope="module")
def funnel():
    namespace = {"nas": nas}
    exec("".join(source()), namespace)
    return namespace["Funnel"]()


def rng(seed=0):
    return np.random.default_rng(seed)


def test_it_is_fifteen_lines_long():
    _, lines = source()
    assert len([line for line in lines.splitlines() if line.strip()]) <= LINES_PROMISED


def test_it_is_sampled_counted_changed_and_crossed(funnel):
    everything = list(funnel)
    assert funnel.size == len(funnel) == funnel.count_unique() == len(everything) == 3 + 6
    assert {funnel.sample(rng(seed)) for seed in range(100)} == set(everything)
    small, deep = funnel.parse("layers=1,units 1=8"), funnel.parse("layers=2,units 1=32,units 2=16")
    assert [str(each) for each in funnel.neighbors(small)] == [
        "layers=2,units 1=8,units 2=8",
        "layers=1,units 1=16",
        "layers=1,units 1=32",
    ]
    assert {funnel.mutate(deep, rng(seed)) for seed in range(60)} == set(funnel.neighbors(deep))
    assert str(funnel.crossover(deep, small, rng(3))) in (
        "layers=2,units 1=32,units 2=16",
        "layers=2,units 1=8,units 2=8",
    )


def test_it_is_drawn_and_saved_and_read_without_its_class(funnel, tmp_path):
    architecture = funnel.parse("layers=2,units 1=32,units 2=16")
    nodes = funnel.diagram(architecture).nodes
    assert [(node.label, node.decision) for node in nodes] == [
        ("input", None),
        ("layers: 2", 0),
        ("units 1: 32", 1),
        ("units 2: 16", 2),
        ("output", None),
    ]
    assert "image/png" in architecture._repr_mimebundle_()[0]
    architecture.save(tmp_path / "a.nas.json")
    loaded = nas.Architecture.load(tmp_path / "a.nas.json")
    assert loaded == architecture and str(loaded) == str(architecture)
    assert type(loaded.space).__name__ == "RecordedSpace"


@pytest.mark.parametrize("name", SEARCHERS)
def test_it_is_searched(funnel, name):
    strategy = getattr(nas.strategies, name)(funnel, rng(), **SEARCHERS[name])
    widths = nas.search(strategy, lambda asked: [nas.Trial(a, score=sum(a.choices)) for a in asked], trials=20)
    assert str(widths.run(progress=False).incumbent.architecture) == "layers=2,units 1=32,units 2=32"


@pytest.mark.parametrize("name", ["diabetes", "digits"])
def test_it_is_trained_on_tables_and_images(funnel, name):
    data = nas.data.load(name)
    evaluator = nas.evaluators.Train(data, epochs=2, batch_size=32)
    architecture = funnel.parse("layers=2,units 1=32,units 2=8")
    trial, again = evaluator([architecture])[0], evaluator([architecture])[0]
    assert trial.failure is None and trial.score == again.score
    inputs = int(np.prod(data.input_shape))
    counted = (inputs + 1) * 32 + 33 * 8 + 9 * data.outputs
    assert trial.metrics["parameters"].value == counted


def test_the_history_of_its_search_goes_on_where_it_stopped(funnel, tmp_path):
    def search(trials):
        strategy = nas.strategies.LocalSearch(funnel, rng(1))
        return nas.search(strategy, score, trials=trials, history=tmp_path / "h.nas.jsonl").run(progress=False)

    def score(asked):
        return [nas.Trial(each, score=sum(each.choices)) for each in asked]

    search(3)
    whole = search(7)
    assert len(whole.trials) == 7
    assert [trial.architecture.space.name for trial in whole.trials] == ["funnel"] * 7


def test_its_weights_are_drawn_from_the_given_rng_alone(funnel):
    architecture = funnel.parse("layers=1,units 1=8")
    before = torch.get_rng_state()
    first, again, other = (
        networks.build(architecture, (1, 10), 2, rng=rng(seed)).state_dict().values() for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


class WithoutModule(nas.SearchSpace):
    def network(self, architecture, input_shape, classes, *, scale=1):
        return torch.nn.Linear(1, 1) if scale > 1 else "a network"


def test_what_the_method_gets_and_must_return():
    space = WithoutModule("empty", [nas.Decision("width", (1, 2))])
    with pytest.raises(TypeError, match=r"method network of 'empty' must return a torch\.nn\.Module; got 'a network'"):
        networks.build(space.architecture((0,)), (1, 10), 2, rng=rng())
    assert isinstance(networks.build(space.architecture((0,)), (1, 10), 2, rng=rng(), scale=2), torch.nn.Linear)
    with pytest.raises(TypeError, match="may have options: got an unexpected keyword argument 'size'"):
        networks.build(space.architecture((0,)), (1, 10), 2, rng=rng(), size=2)


WIDTHS = [nas.Decision("width 1", (1, 2)), nas.Decision("width 2", (1, 2))]


@pytest.mark.parametrize("answer", [(True,), (True, True, True), None])
def test_active_must_speak_of_every_decision(answer):
    class Wrong(nas.SearchSpace):
        def active(self, choices):
            return answer

    message = "method active of 'wrong' must return 2 values, for each decision whether it matters; got "
    space = Wrong("wrong", WIDTHS)
    for do in (lambda: space.size, lambda: space.sample(rng()), lambda: space.parse("width 1=1,width 2=1")):
        with pytest.raises(ValueError, match=re.escape(message + repr(answer))):
            do()


def test_an_error_in_active_stays_what_it_is():
    class Wrong(nas.SearchSpace):
        def active(self, choices):
            return (True, choices[2] == 1)

    with pytest.raises(IndexError, match="out of range"):
        Wrong("wrong", WIDTHS).sample(rng())


def test_a_space_that_was_never_made_says_so():
    class Forgetful(nas.SearchSpace):
        def __init__(self):
            self.options_of = 3

    space = Forgetful()
    for do in (lambda: space.size, lambda: space.sample(rng()), lambda: repr(space), lambda: space == Forgetful()):
        with pytest.raises(
            AttributeError, match=r"Forgetful has no .* its __init__ must call super\(\)\.__init__\(name,"
        ):
            do()


def test_other_attributes_that_are_not_there_are_told_as_ever():
    class Broken(nas.SearchSpace):
        @property
        def depth(self):
            return self.decisions[0].missing

    space = Broken("broken", WIDTHS)
    with pytest.raises(AttributeError, match="'Broken' object has no attribute 'with'"):
        _ = getattr(space, "with")
    with pytest.raises(AttributeError, match="'Decision' object has no attribute 'missing'"):
        _ = space.depth


def test_the_method_takes_three_arguments():
    class Short(nas.SearchSpace):
        def network(self, architecture):
            return torch.nn.Linear(1, 1)

    message = r"method network of 'short' must be network\(self, architecture, input_shape, classes\).*: too many pos"
    with pytest.raises(TypeError, match=message):
        networks.build(Short("short", WIDTHS).sample(rng()), (1, 10), 2, rng=rng())


@pytest.mark.parametrize(
    ("data", "layer", "message"),
    [
        (
            "digits",
            torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Flatten()),
            r"\[batch, 10\], a logit for each class: .* \[32, 10\]; got \[32, 64\]",
        ),
        ("diabetes", torch.nn.Linear(10, 1), r"\[batch, 1\], a number for each target: .*; got \[32, 1, 1\]"),
        ("diabetes", torch.nn.LSTM(10, 1), r"\[batch, 1\], .*; got \(tensor"),
    ],
)
def test_its_network_must_have_an_output_for_each_class_or_target(data, layer, message):
    class Wide(nas.SearchSpace):
        def network(self, architecture, input_shape, classes):
            return layer

    evaluator = nas.evaluators.Train(nas.data.load(data), epochs=1, batch_size=32)
    with pytest.raises(ValueError, match=message):
        evaluator([Wide("wide", WIDTHS).sample(rng())])
