"""What the nouns do, and errors that say what must hold. The laws that every space keeps: spaces/test_laws.py."""

import copy
import json
import math
import pickle  # noqa: TID251 - only to show that other processes can receive architectures
from collections import Counter

import numpy as np
import pytest
from example_spaces import PERCEPTRONS, SMALL_CHAIN, SPACES, Perceptron

from nasedu.core import (
    KNOWN_METRICS,
    Architecture,
    Decision,
    Diagram,
    Edge,
    Metric,
    Node,
    SearchSpace,
    Trial,
    draw_below,
)
from nasedu.spaces import DARTS, Chain, Graphs, MBConv, NASBench101, NASBench201

spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def test_every_nasbench201_cell_has_24_neighbors_and_being_one_is_mutual():
    space = SPACES["nasbench201"]
    rng = np.random.default_rng(0)
    for _ in range(200):
        cell = space.sample(rng)
        neighbors = space.neighbors(cell)
        assert len(neighbors) == 24 == 6 * (5 - 1)
        assert all(cell in space.neighbors(neighbor) for neighbor in neighbors)


def test_what_plain_spaces_draw_stays_the_same():
    """So that published searches can be repeated; the numbers are those of the first release."""
    space, rng = SPACES["nasbench201"], np.random.default_rng(7)
    first, second = space.sample(rng), space.sample(rng)
    assert (first.choices, second.choices) == ((4, 3, 3, 4, 2, 3), (4, 1, 0, 1, 1, 4))
    assert space.mutate(first, rng).choices == (4, 3, 3, 4, 2, 1)
    assert space.mutate(second, rng).choices == (3, 1, 0, 1, 1, 4)
    assert space.crossover(first, second, rng).choices == (4, 3, 3, 1, 1, 4)
    neighbors = [each.choices for each in space.neighbors(first)]
    assert neighbors[:5] == [(option, 3, 3, 4, 2, 3) for option in range(4)] + [(4, 0, 3, 4, 2, 3)]


class Rare(SearchSpace):
    """Two architectures that are neighbors, among 40,000 combinations."""

    def __init__(self):
        super().__init__("rare", [Decision("a", range(2)), Decision("b", range(20_000))])

    def is_valid(self, choices):
        return choices in ((0, 0), (0, 19_999))


def test_mutation_finds_the_only_valid_neighbor_of_many():
    space = Rare()
    only, other = space.architecture((0, 0)), space.architecture((0, 19_999))
    assert space.mutate(only, np.random.default_rng(0)) == other


class Guarded(SearchSpace):
    """An extra decision of 1,000 options, of which the 7th and the last are valid."""

    def __init__(self):
        super().__init__("guarded", [Decision("extra", ("no", "yes")), Decision("key", range(1000))])

    def active(self, choices):
        return (True, choices[0] == 1)

    def is_valid(self, choices):
        return choices[0] == 0 or choices[1] in (6, 999)


def test_mutation_finds_what_a_step_leads_to_however_rare():
    space, rng = Guarded(), np.random.default_rng(0)
    without = space.architecture((0, 0))
    counts = Counter(space.mutate(without, rng).choices for _ in range(100))
    assert counts.keys() == {(1, 6), (1, 999)}
    assert all(abs(count - 50) <= 5 * 5 for count in counts.values()), "standard deviation 5"


def test_a_step_that_activates_too_much_is_refused():
    class Wide(SearchSpace):
        def active(self, choices):
            return (True,) + (choices[0] == 1,) * (len(choices) - 1)

    wide = Wide("wide", [Decision("more", (0, 1)), *(Decision(str(k), range(50)) for k in range(3))])
    with pytest.raises(ValueError, match=r"more=0 has over 100,000 neighbours in wide; .*override alternatives\(\)"):
        wide.neighbors(wide.architecture((0, 0, 0, 0)))
    assert wide.mutate(wide.architecture((0, 0, 0, 0)), np.random.default_rng(0)).choices[0] == 1


def test_a_child_has_the_other_parent_s_gene_where_its_turn_gives_none():
    class Deep(Perceptron):
        def is_valid(self, choices):
            return True

    space = Deep()
    shallow, deep = (0, 2, 0), (1, 1, 2)
    assert space.crossed(deep, shallow, 1) == (1, 2, 2), "two layers of which shallow has one"
    assert space.crossed(shallow, deep, 1) == (0, 1, 0)
    assert space.crossed(deep, shallow, 3) == deep


@pytest.mark.parametrize("bound", [1, 7, 2**63 - 1, 2**63, 3 * 2**70, 10**40])
def test_numbers_below_a_bound_of_any_size_are_drawn_uniformly(bound):
    """n = 400 draws; the share in each third, standard deviation 2.4 %, 5 of them tolerated."""
    rng = np.random.default_rng(0)
    drawn = [draw_below(rng, bound) for _ in range(400)]
    assert all(type(number) is int and 0 <= number < bound for number in drawn)
    if bound > 1000:
        shares = np.bincount([3 * number // bound for number in drawn], minlength=3) / 400
        assert np.abs(shares - 1 / 3).max() < 5 * 0.024
    else:
        assert set(drawn) == set(range(bound))


def test_crossover_has_one_point_and_every_point_is_drawn():
    """n = 1,000 draws over 5 cuts; each is expected 200 times, standard deviation 12.6; 5 of them are tolerated."""
    space, rng = SPACES["nasbench201"], np.random.default_rng(0)
    zeros, ones = space.architecture((0,) * 6), space.architecture((1,) * 6)
    counts = Counter(space.crossover(zeros, ones, rng).choices for _ in range(1000))
    assert set(counts) == {(0,) * cut + (1,) * (6 - cut) for cut in range(1, 6)}
    assert all(abs(count - 200) < 5 * 12.6 for count in counts.values())


class Alike(SearchSpace):
    """All three decisions must be the same."""

    def is_valid(self, choices):
        return len(set(choices)) == 1


def test_where_no_cut_gives_a_valid_child_it_is_the_first_parent():
    space = Alike("alike", [Decision(name, (1, 2)) for name in "abc"])
    first, second = space
    assert space.crossover(first, second, np.random.default_rng(0)) == first
    assert space.crossover(second, first, np.random.default_rng(0)) == second


def test_a_space_without_a_class_of_its_own_shows_its_name_and_sizes():
    options = ("a", "b")
    assert repr(SearchSpace("mine", [Decision(name, options) for name in "xy"])) == (
        "<SearchSpace 'mine': 2 decisions, 4 architectures>"
    )
    large = SearchSpace("large", [Decision(f"x{i}", range(10)) for i in range(400)])
    assert repr(large) == "<SearchSpace 'large': 400 decisions, about 10^400 architectures>"
    assert repr(Chain(max_depth=2)).startswith("Chain(min_depth=1, max_depth=2")


def test_sizes_that_are_known():
    assert SPACES["plain"].size == 3 * 2 * 1
    assert SPACES["perceptron"].size == PERCEPTRONS
    assert SPACES["nasbench201"].size == 5**6 == len(list(SPACES["nasbench201"]))


@pytest.mark.parametrize(
    "make",
    [
        NASBench201,
        DARTS,
        Chain,
        lambda: Chain(**SMALL_CHAIN),
        Perceptron,
        lambda: SearchSpace("s", [Decision("d", ["ab"])]),
    ],
)
def test_spaces_made_twice_are_equal_and_so_are_their_architectures(make):
    one, two = make(), make()
    a, b = one.sample(np.random.default_rng(0)), two.sample(np.random.default_rng(0))
    assert one == two and hash(one) == hash(two)
    assert a == b and hash(a) == hash(b) and a in two and len({a, b}) == 1


def test_the_order_of_parameters_does_not_matter():
    one, two = (
        SearchSpace("toy", [Decision("d", (1, 2))], parameters) for parameters in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert one == two and repr(two) == "<SearchSpace 'toy' (b=2, a=1): 1 decision, 2 architectures>"


def test_other_parameters_decisions_or_names_make_another_space():
    toy = SearchSpace("toy", [Decision("d", (1, 2))])
    assert toy != SearchSpace("toy", [Decision("d", (1, 3))])
    assert toy != SearchSpace("boy", [Decision("d", (1, 2))])
    assert toy != SearchSpace("toy", [Decision("d", (1, 2))], {"n": 1})
    assert Chain() != Chain(skips=True)
    assert toy.architecture((0,)) != SearchSpace("boy", toy.decisions).architecture((0,))
    assert toy.architecture((0,)) not in SPACES["plain"]


@spaces
def test_copies_and_what_another_process_receives_are_equal(space):
    architecture = space.sample(np.random.default_rng(0))
    for twin in (copy.deepcopy(architecture), copy.copy(architecture), pickle.loads(pickle.dumps(architecture))):
        assert twin == architecture and twin.space.neighbors(twin) == space.neighbors(architecture)
    trial = Trial(architecture, accuracy=0.5, metrics={"flops": 3})
    assert pickle.loads(pickle.dumps(trial)) == trial


@spaces
def test_the_graph_has_every_node_and_edge_of_the_diagram_with_its_attributes(space):
    architecture = space.sample(np.random.default_rng(1))
    diagram, graph = space.diagram(architecture), space.graph(architecture)
    assert len(graph.nodes) == len(diagram.nodes) and len(graph.edges) == len(diagram.edges)
    for node in diagram.nodes:
        assert Node(node.id, **graph.nodes[node.id]) == node
    for edge in diagram.edges:
        assert Edge(edge.source, edge.target, **graph.edges[edge.source, edge.target]) == edge


def test_only_active_decisions_are_shown():
    space = SPACES["perceptron"]
    small = space.architecture((0, 2, 0))
    assert str(small) == "layers=1,units 1=16" and small.options == {"layers": 1, "units 1": 16}
    assert len(space.diagram(small).nodes) == 2 + 2


def test_options_may_contain_commas():
    space = SearchSpace("pairs", [Decision("inputs", ("0,1", "0,2")), Decision("kernel", (1, 3))])
    for architecture in space:
        assert space.parse(str(architecture)) == architecture


def test_options_given_as_numpy_numbers_are_saved(tmp_path):
    space = SearchSpace("toy", [Decision("width", np.array([8, 16])), Decision("rate", np.array([0.5, 1.0]))])
    space.architecture((1, 0)).save(tmp_path / "a.nas.json")
    assert Architecture.load(tmp_path / "a.nas.json").options == {"width": 16, "rate": 0.5}


def test_the_caller_cannot_change_a_space_through_what_it_gave_or_got():
    widths = [8, 16]
    space = SearchSpace("toy", [Decision("width", widths)], {"widths": widths})
    before = space.to_json()
    widths.append(32)
    space.to_json()["parameters"]["widths"].append(64)
    assert space.to_json() == before and space == SearchSpace("toy", [Decision("width", (8, 16))], {"widths": [8, 16]})


def test_a_space_of_one_decision_can_be_crossed_over():
    space = SearchSpace("one", [Decision("d", (1, 2))])
    first, second = space
    assert space.crossover(first, second, np.random.default_rng(0)) == first


# Trials ---------------------------------------------------------------------------------------

CELL = SPACES["nasbench201"].architecture((1, 2, 3, 4, 0, 1))


def test_the_score_is_the_accuracy_unless_given():
    assert Trial(CELL, accuracy=0.93).score == 0.93
    assert Trial(CELL, accuracy=0.93, score=-2).score == -2
    assert Trial(CELL, score=7).accuracy is None
    assert Trial(CELL, failure="out of memory").score == -math.inf


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.array(0.5)])
def test_numbers_of_numpy_become_numbers_that_json_knows(number):
    trial = Trial(CELL, accuracy=number, metrics={"flops": number}, curve=[number], epochs=number, cost=number)
    metric = trial.metrics["flops"]
    values = [trial.accuracy, trial.score, metric.value, *trial.curve, trial.epochs, trial.cost]
    assert json.dumps(values) == "[0.5, 0.5, 0.5, 0.5, 0.5, 0.5]" and {type(value) for value in values} == {float}


def test_a_metric_that_is_not_finite_becomes_not_a_number():
    trial = Trial(CELL, accuracy=0.1, metrics={"validation_loss": math.inf}, curve=(0.1, math.nan))
    assert math.isnan(trial.metrics["validation_loss"].value) and math.isnan(trial.curve[1])


def test_known_metrics_have_their_units_and_others_bring_them():
    trial = Trial(CELL, accuracy=0.9, metrics={"parameters": 10, "latency": Metric(3, "ms", "lower")})
    assert trial.metrics["parameters"] == Metric(10, "weights", "lower")
    assert trial.metrics["latency"].unit == "ms"


def test_trials_are_frozen_and_can_be_members_of_a_set():
    trial = Trial(CELL, accuracy=0.9, metrics={"parameters": 10})
    assert len({trial, Trial(CELL, accuracy=0.9, metrics={"parameters": 10})}) == 1
    with pytest.raises(AttributeError):
        trial.accuracy = 1.0


# Errors ---------------------------------------------------------------------------------------


class Nothing(SearchSpace):
    def __init__(self):
        super().__init__("nothing", [Decision("d", (1, 2)), Decision("e", (1, 2))])

    def is_valid(self, choices):
        return False


class Bounded(SearchSpace):
    def __init__(self):
        super().__init__("bounded", [Decision(str(k), (0, 1)) for k in range(30)])

    def is_valid(self, choices):
        return sum(choices) < 5


TOY = SearchSpace("toy", [Decision("width", (8, 16)), Decision("kernel", (1, 3))])
HUGE = SearchSpace("huge", [Decision(f"d{i}", tuple(range(10))) for i in range(5000)])
CHAIN = SPACES["chain"]

ERRORS = {
    "no options": (lambda: Decision("op", ()), "decision 'op' must have at least one option; got none"),
    "equal options": (lambda: Decision("op", ("a", "a")), "'op' must have different options"),
    "options that look alike": (lambda: Decision("op", (1, "1")), "'op' must have different options"),
    "options as one string": (lambda: Decision("op", "ab"), r"must be a tuple, such as \('a', 'b'\); got 'ab'"),
    "option of another kind": (lambda: Decision("op", (None,)), "must be strings or finite numbers; got None"),
    "infinite option": (lambda: Decision("op", (math.inf,)), "must be strings or finite numbers; got inf"),
    "unusable name": (lambda: Decision("a=b", (1,)), "must have no ',' and no '='; got 'a=b'"),
    "empty space": (lambda: SearchSpace("toy", []), "'toy' is empty: it must have at least one decision; got none"),
    "same names": (lambda: SearchSpace("toy", [Decision("d", (1,))] * 2), r"different names; got \['d', 'd'\]"),
    "parameter": (lambda: SearchSpace("toy", [Decision("d", (1,))], {"p": {1, 2}}), "'toy' must be JSON values"),
    "too many to count": (
        lambda: HUGE.count_unique(),
        r"at most 10,000,000; huge has about 10\^5000",
    ),
    "up to too many": (lambda: Bounded().count_unique(), "at most 10,000,000; bounded has up to 1,073,741,824"),
    "10 MB": (lambda: TOY.parse("width=8," * 1_250_000), "at most 100,000 characters; got 10,000,000"),
    "never valid": (lambda: Nothing().sample(np.random.default_rng(0)), "seems to be empty.*is_valid"),
    "too few choices": (lambda: TOY.architecture((0,)), "toy takes 2 choices, one per decision; got 1"),
    "choice out of range": (lambda: TOY.architecture((0, 2)), r"'kernel' must lie in 0\.\.1; got 2"),
    "negative choice": (lambda: TOY.architecture((0, -1)), r"'kernel' must lie in 0\.\.1; got -1"),
    "inactive choice": (lambda: SPACES["perceptron"].architecture((0, 0, 2)), r"must be 0; got .*pinned \(0, 0, 0\)"),
    "invalid choices": (
        lambda: SPACES["perceptron"].architecture((1, 0, 2)),
        "units 2=16 is not a valid architecture of perceptron. The second layer is not wider than the first",
    ),
    "no neighbor": (
        lambda: SearchSpace("one", [Decision("d", (1,))]).mutate(
            SearchSpace("one", [Decision("d", (1,))]).architecture((0,)), np.random.default_rng(0)
        ),
        "d=1 has no neighbour in one",
    ),
    "malformed": (lambda: TOY.parse("width"), "expected 'decision=option,decision=option,…'; got 'width'"),
    "unknown decision": (lambda: TOY.parse("width=8,depth=2"), "unknown decision 'depth'.*toy has width, kernel"),
    "unknown option": (lambda: TOY.parse("width=9,kernel=1"), "unknown option '9' of decision 'width'.*it has 8, 16"),
    "missing decision": (lambda: TOY.parse("width=8"), "decision 'kernel' is missing in 'width=8'"),
    "percent": (lambda: Trial(CELL, accuracy=93), r"fraction in \[0, 1\]; got 93. Divide percent by 100"),
    "negative accuracy": (lambda: Trial(CELL, accuracy=-0.1), r"fraction in \[0, 1\]; got -0.1"),
    "nan accuracy": (lambda: Trial(CELL, accuracy=math.nan), "got nan.*failed trial.*failure="),
    "no score": (lambda: Trial(CELL), "needs an accuracy, a finite score or a failure; got score nan"),
    "infinite score": (lambda: Trial(CELL, score=math.inf), "finite score or a failure; got score inf"),
    "negative cost": (lambda: Trial(CELL, accuracy=0.5, cost=-1), "cost must be.* at least 0; got -1"),
    "metric without unit": (
        lambda: Trial(CELL, accuracy=0.5, metrics={"joules": 3}),
        r"metric 'joules' needs a unit and a direction: nas.Metric\(value, unit, better\)",
    ),
    "direction": (lambda: Metric(1, "s", "smaller"), "better must be 'higher' or 'lower'; got 'smaller'"),
}


@pytest.mark.parametrize(("make", "text"), ERRORS.values(), ids=ERRORS)
def test_errors_say_what_must_hold(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_choices_are_whole_numbers():
    with pytest.raises(TypeError, match=r"choices are whole numbers.*got \(0\.5, 1\).*space\.parse"):
        TOY.architecture((0.5, 1))
    assert TOY.architecture(np.array([1, 0])).choices == (1, 0)


def test_a_huge_space_has_a_size_and_no_length():
    assert HUGE.size == 10**5000 and HUGE.size_is_exact and bool(HUGE)
    with pytest.raises(OverflowError, match=r"over 10\^5000 architectures, too many for len\(\); use space.size"):
        len(HUGE)


def test_a_large_space_with_a_rule_says_that_its_size_is_a_bound():
    assert Bounded().size == 2**30 and not Bounded().size_is_exact


def test_a_space_and_an_architecture_are_frozen():
    space = SPACES["perceptron"]
    with pytest.raises(AttributeError, match=r"cannot be changed \(tried to set 'name'\).*before it calls super"):
        space.name = "other"
    with pytest.raises(AttributeError, match="cannot be changed"):
        space.new = 1
    with pytest.raises(AttributeError, match="cannot be changed"):
        del space.name
    with pytest.raises(TypeError):
        space.parameters["depth"] = 1
    with pytest.raises(AttributeError):
        CELL.choices = (0,) * 6
    with pytest.raises(AttributeError):
        space.decisions[0].name = "other"


def test_a_subclass_sets_its_attributes_before_the_space_is_frozen():
    class Own(SearchSpace):
        def __init__(self, widest):
            self.widest = widest
            super().__init__("own", [Decision("width", range(1, widest + 1))], {"widest": widest})

    assert Own(3).widest == 3 and Own(3) == Own(3) != Own(4)


def test_files_that_are_no_architecture_are_refused_by_name(tmp_path):
    path = tmp_path / "a.nas.json"
    good = SPACES["perceptron"].architecture((1, 2, 0)).to_json()
    cases = {
        "it is not JSON": "{",
        "its format is 'other'": json.dumps({**good, "format": "other"}),
        "its format is None": "[]",
        "has version 2.*this nasedu reads 1. Update": json.dumps({**good, "version": 2}),
        "unknown option 5 of decision 'units 1'": json.dumps({**good, "choices": {"units 1": 5}}),
        "unknown decision 'units 7'": json.dumps({**good, "choices": {**good["choices"], "units 7": 4}}),
        "is damaged.*'space'": json.dumps({"format": good["format"], "version": 1}),
        "must have different options": json.dumps(
            {**good, "space": {**good["space"], "decisions": [{"name": "d", "options": [1, 1]}]}, "choices": {"d": 1}}
        ),
    }
    for text, content in cases.items():
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=text) as caught:
            Architecture.load(path)
        assert str(path) in str(caught.value)


def test_a_space_that_is_not_installed_can_be_drawn_and_not_searched(tmp_path):
    class Drawn(Perceptron):
        def format(self, choices):
            return f"perceptron {choices[0]}-{choices[1]}-{choices[2]}"

        def diagram(self, architecture):
            return Diagram(
                (Node("a", 0, 0, "in", "input"), Node("b", 1, 2.5, "out", "output")), (Edge("a", "b", "op", 1),)
            )

    own = Drawn().architecture((1, 2, 1))
    own.save(tmp_path / "a.nas.json")
    loaded = Architecture.load(tmp_path / "a.nas.json")
    assert type(loaded.space).__name__ == "RecordedSpace" and loaded.space == own.space and loaded == own
    assert str(loaded) == "perceptron 1-2-1" and loaded.space.parse("perceptron 1-2-1") == own
    assert loaded.space.diagram(loaded) == own.space.diagram(own)
    assert not loaded.space.size_is_exact
    rng = np.random.default_rng(0)
    for refused in (
        lambda: loaded.space.sample(rng),
        lambda: loaded.space.neighbors(loaded),
        lambda: loaded.space.mutate(loaded, rng),
        lambda: loaded.space.crossover(loaded, loaded, rng),
    ):
        with pytest.raises(ValueError, match=r"recorded space 'perceptron'.*Make the space itself"):
            refused()


@pytest.mark.parametrize("decisions", ({"a": (1, 2)}, ["a", "b"], [("a", (1, 2))]))
def test_decisions_are_decisions(decisions):
    with pytest.raises(TypeError, match=r"must be a list such as \[nas\.Decision\('width', \(8, 16\)\)\]; got "):
        SearchSpace("toy", decisions)


@pytest.mark.parametrize("change", ["mutate", "neighbors"])
def test_an_architecture_of_another_space_is_not_changed(change):
    rng = (np.random.default_rng(0),) if change == "mutate" else ()
    with pytest.raises(ValueError, match="nasbench201 takes 6 choices, one per decision; got 24"):
        getattr(NASBench201(), change)(DARTS().sample(np.random.default_rng(0)), *rng)


def test_the_metrics_of_a_trial_cannot_be_changed_and_travel_with_it():
    trial = Trial(CELL, accuracy=0.5, metrics={"flops": 3})
    changes = (
        lambda metrics: metrics.update(flops=4),
        lambda metrics: metrics.__setitem__("flops", 4),
        lambda metrics: metrics.__delitem__("flops"),
        lambda metrics: metrics.__ior__({"flops": 4}),
        lambda metrics: metrics.setdefault("x", 4),
        lambda metrics: metrics.pop("flops"),
        lambda metrics: metrics.popitem(),
        lambda metrics: metrics.clear(),
    )
    for change in changes:
        with pytest.raises(
            TypeError, match=r"metrics of a trial cannot be changed; make a new one: dataclasses\.replace"
        ):
            change(trial.metrics)
    failed = Trial(CELL, failure="no", metrics={"flops": 3})
    for each in (trial, failed):
        for copied in (copy.deepcopy(each), copy.copy(each), pickle.loads(pickle.dumps(each))):
            assert copied == each and copied.metrics == {"flops": Metric(3, *KNOWN_METRICS["flops"])}
            with pytest.raises(TypeError):
                copied.metrics.clear()
    assert "metrics={'flops'" in repr(trial)


@pytest.mark.parametrize(
    "space", [*SPACES.values(), NASBench101(), MBConv(), Graphs()], ids=lambda space: repr(space)[:20]
)
def test_a_seed_is_no_source_of_randomness(space):
    for by in ("architecture", "decision"):
        for given in (0, None, np.random):
            with pytest.raises(
                TypeError, match=r"rng must be a numpy Generator, such as np\.random\.default_rng\(0\); got"
            ):
                space.sample(given, by)
