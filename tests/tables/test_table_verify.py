"""Verifying a table, and saying what it can tell: a true table passes, a false one does not."""

import json

import numpy as np
import pytest
from scipy import stats

from nasedu import cli, training
from nasedu.evaluators import Population
from nasedu.spaces import NASBench201
from nasedu.tables import Table
from nasedu.tables import build as building
from nasedu.tables.build import RECIPES, Recipe
from nasedu.tables.info import describe, rank_correlations, seed_noise
from nasedu.tables.verify import LEAST_SHARE, compare, verify

SPACE = NASBench201()
TINY = Recipe("tiny", "digits", epochs=1, channels=4)
CELLS = [
    SPACE.architecture(choices) for choices in ((3, 0, 0, 1, 0, 0), (0,) * 6, (1, 3, 2, 4, 0, 3), (2, 0, 0, 4, 0, 0))
]
ROWS = np.arange(SPACE.size) % len(CELLS)


# The rule --------------------------------------------------------------------------------------


def cells_and_seeds(rows, seeds, rng):
    """Accuracies of cells of very different noise."""
    noise = rng.choice((0.001, 0.02), size=rows)
    return 0.8 + 0.1 * rng.standard_normal(rows)[:, None] + noise[:, None] * rng.standard_normal((rows, seeds))


def shares(change, seeds, times=200, rows=50):
    """The two shares of the rule in many made-up tables whose new trainings are changed."""
    rng, found = np.random.default_rng(0), []
    for _ in range(times):
        values = cells_and_seeds(rows, seeds + 1, rng)
        done = compare(change(values[:, 0], values[:, 1:].mean(axis=1), rng), values[:, 1:], 9, "test", None, None, rng)
        found.append((done.mean_share, done.rms_share))
    return np.array(found)


@pytest.mark.parametrize("seeds", [1, 3])
def test_of_true_tables_the_shares_are_uniform_though_cells_differ_in_noise(seeds):
    """Kolmogorov-Smirnov test of 200 shares against the uniform distribution; with one seed rms always has share 1."""
    found = shares(lambda new, mean, rng: new, seeds)
    assert stats.kstest(found[:, 0], "uniform").pvalue > 0.001
    if seeds > 1:
        assert stats.kstest(found[:, 1], "uniform").pvalue > 0.001
    else:
        assert (found[:, 1] == 1).all()


def test_a_shift_of_all_accuracies_is_found():
    found = shares(lambda new, mean, rng: new + 0.02, 3, times=20)
    assert (found[:, 0] < LEAST_SHARE).all()


def test_accuracies_that_have_nothing_to_do_with_the_cell_are_found():
    """Those of other rows: their mean is right, and only the root mean square is not."""
    found = shares(lambda new, mean, rng: rng.permutation(new), 3, times=20)
    assert (found[:, 1] < LEAST_SHARE).all() and (found[:, 0] > LEAST_SHARE).any()


def test_numbers_of_a_comparison_by_hand():
    new, stored = np.array([0.5, 0.9]), np.array([[0.4, 0.5], [0.9, 0.7]])
    done = compare(new, stored, 7, "test", 0.5, 0.1, np.random.default_rng(0))
    assert (done.seed, done.split, done.exact, done.largest) == (7, "test", 0.5, 0.1)
    assert done.mean == pytest.approx((0.05 + 0.1) / 2)
    assert done.rms == pytest.approx(np.sqrt((0.05**2 + 0.1**2) / 2))
    assert done.error == pytest.approx(0.025)
    # By choice of x0, d is 0.05, -0.1, 0.05 in the first row and 0.1, 0.1, -0.2 in the second: nine choices.
    assert done.mean_share == pytest.approx(7 / 9, abs=0.02)
    assert done.rms_share == 1


def test_choices_made_a_few_at_a_time_are_the_same(monkeypatch):
    values = np.random.default_rng(1).random((20, 3))

    def done():
        return compare(values[:, 0], values[:, 1:], 7, "test", None, None, np.random.default_rng(0))

    at_once = done()
    monkeypatch.setattr("nasedu.tables.verify.VALUES_AT_ONCE", 20 * 301)
    assert done() == at_once


# Tables ----------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def tiny_recipe(monkeypatch):
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    for module in ("build", "verify"):
        monkeypatch.setattr(f"nasedu.tables.{module}.distinct", lambda space: (CELLS, ROWS))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "distinct", lambda space: (CELLS, ROWS))
        return Table.load(building.build(TINY, tmp_path_factory.mktemp("t"), seeds=2, processes=1, progress=False))


def changed(table, tmp_path, **changes):
    """Return the table with other arguments, read from its file; a callable changes a copy of what is there."""
    arguments = {
        "validation": table.validation.copy(),
        "rows": table.rows.copy(),
        "test": table._tests.copy(),
        "metrics": {name: values.copy() for name, values in table.metrics.items()},
        "provenance": json.loads(json.dumps(table.provenance)),
    }
    arguments |= {name: getattr(table, name) for name in ("seeds", "epochs", "samples")}
    for name, change in changes.items():
        if callable(change):
            change(arguments[name])
        else:
            arguments[name] = change
    Table(table.name, SPACE, **arguments).save(tmp_path / "changed.npz")
    return Table.load(tmp_path / "changed.npz")


def check(table, **settings):
    return verify(table, **{"rows": 4, "processes": 1, "device": "cpu", "progress": False, **settings})


def test_a_true_table_is_found_true_and_the_same_seed_gives_the_same_accuracies(table):
    found = check(table)
    assert found.problems == () and found.rows == (0, 1, 2, 3)
    same, same_test, fresh, fresh_test = found.comparisons
    for each in (same, same_test):
        assert each.seed in (0, 1) and each.exact == 1 and each.largest == 0
    assert fresh.seed == fresh_test.seed == 2 and fresh.exact is fresh_test.exact is None
    assert [each.split for each in found.comparisons] == ["validation", "test"] * 2
    evaluator = Population(TINY.load_data(), epochs=1, seed=2, channels=4, device="cpu")
    new = np.array([trial.accuracy for trial in evaluator(CELLS)])
    assert fresh.mean == pytest.approx((new - table.validation[:, :, -1].mean(axis=1)).mean())
    tests = [training.accuracy(net, TINY.load_data(), "test", "cpu") for net, _ in evaluator.fit_all(CELLS)]
    assert fresh_test.mean == pytest.approx((np.array(tests) - table._tests.mean(axis=1)).mean())
    assert found.noise == pytest.approx(np.sqrt(table.validation[:, :, -1].var(axis=1, ddof=1).mean()))


def test_worker_processes_find_the_same(table):
    assert check(table, processes=2) == check(table)


def elsewhere(document):
    """As if the table had been built on another machine."""
    for run in document["builds"][0]["runs"]:
        run["machine"] = "another"


@pytest.mark.parametrize("what", ["validation", "test"])
def test_accuracies_that_were_made_up_are_found(table, tmp_path, monkeypatch, what):
    """Four rows cannot show much, so the bound is that of four rows: (1/3)^4 of the choices are as extreme."""
    monkeypatch.setattr("nasedu.tables.verify.LEAST_SHARE", 0.05)
    lying = changed(
        table, tmp_path, provenance=elsewhere, **{what: lambda values: np.copyto(values, (values + 0.25) % 1)}
    )
    found = check(lying)
    same, fresh = (each for each in found.comparisons if each.split == what)
    assert same.exact == 0 and same.largest == pytest.approx(0.25)
    assert fresh.mean == pytest.approx(-0.25, abs=0.1) and fresh.mean_share < 0.05
    problem = f"with seed 2 the {what} accuracies differ from the stored ones by more than seed noise"
    assert problem in found.problems
    assert all(what in each for each in found.problems), "the other accuracies are true"


@pytest.mark.parametrize("what", ["validation", "test"])
def test_one_stored_number_that_is_wrong_is_found_where_the_table_was_built(table, tmp_path, what):
    wrong = {what: lambda values: values[2].__isub__(1 / 400)}
    found = check(changed(table, tmp_path, **wrong))
    inexact = [each for each in found.comparisons if each.exact is not None and each.exact < 1]
    assert [(each.split, each.exact) for each in inexact] == [(what, 0.75)]
    (problem,) = found.problems
    assert f"the {what} accuracies are in 75.0% of the rows exactly as stored, though machine and versions" in problem

    def older(document):
        document["builds"][0]["versions"]["torch"] = "2.0"

    def partly_here(document):
        (here,) = document["builds"]
        document["builds"] = [{**here, "seeds": [5]}, json.loads(json.dumps(here))][::-1]
        elsewhere(document)
        document["builds"].reverse()

    for change in (elsewhere, older, partly_here):
        assert check(changed(table, tmp_path, provenance=change, **wrong)).problems == (), "that may be rounding"


@pytest.mark.parametrize("name", ["parameters", "flops"])
def test_costs_that_are_wrong_are_found(table, tmp_path, name):
    lying = changed(table, tmp_path, metrics=lambda metrics: metrics[name].__setitem__(2, 5))
    (problem,) = check(lying).problems
    assert problem.startswith(f"{name} of row 2 ({CELLS[2]}) are 5 there and ")


def test_costs_are_counted_without_training(table, monkeypatch):
    monkeypatch.setattr(training, "fit", None)
    assert check(table).problems == ()


def test_a_map_that_is_wrong_is_found(table, tmp_path):
    lying = changed(table, tmp_path, rows=lambda rows: rows.__setitem__(slice(8, 10), (1, 0)))
    assert check(lying).problems == ("2 architectures are in the row of another function",)


def test_trainings_that_are_missing_are_found(table, tmp_path):
    lying = changed(table, tmp_path, validation=lambda values: values[1, 1].fill(np.nan))
    assert check(lying).problems == ("1 trainings have some of their accuracies and not all",)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"samples": (800, 400)}, "samples of validation and test are (800, 400) there, and (400, 400) in digits"),
        ({"epochs": (3,)}, "accuracies are after the epochs (3,), and the recipe's are (1,)"),
        ({"metrics": lambda metrics: metrics.pop("flops")}, "metric flops is missing"),
        ({"test": None}, "test accuracies are missing"),
        (
            {"provenance": lambda document: document.pop("builds")},
            "provenance does not say who built it: KeyError('builds')",
        ),
    ],
)
def test_what_the_recipe_makes_and_the_table_lacks_is_a_problem_in_words(table, tmp_path, changes, problem):
    assert check(changed(table, tmp_path, **changes)).problems == (problem,)


def test_a_training_that_fails_now_is_a_problem(table, monkeypatch):
    fit_all = Population.fit_all

    def fails(evaluator, architectures):
        return [(network, training.TrainingFailure("no")) for network, _ in fit_all(evaluator, architectures)]

    monkeypatch.setattr(Population, "fit_all", fails)
    problems = check(table).problems
    assert len(problems) == 2
    assert all(f"4 trainings failed now and not there, the first that of {CELLS[0]}" in each for each in problems)


def test_a_stored_failure_must_fail_again(table, tmp_path, monkeypatch):
    fit_all = Population.fit_all

    def fails(evaluator, architectures):
        results = zip(architectures, fit_all(evaluator, architectures), strict=True)
        spoilt = training.TrainingFailure("no")
        return [(network, spoilt if cell == CELLS[1] else run) for cell, (network, run) in results]

    nothing = {what: lambda values: values[1].fill(np.nan) for what in ("validation", "test")}
    failed = changed(table, tmp_path, **nothing)
    problems = check(failed).problems
    assert len(problems) == 2
    assert all(f"1 trainings failed there and not now, the first that of {CELLS[1]}" in each for each in problems)
    monkeypatch.setattr(Population, "fit_all", fails)
    found = check(failed)
    assert found.problems == () and len(found.comparisons) == 4
    assert all(each.exact in (None, 1) for each in found.comparisons)


def test_a_table_that_was_not_made_by_a_recipe_is_refused(table, tmp_path):
    other = changed(table, tmp_path, provenance=lambda document: document["settings"]["dataset"].update(checksum="0"))
    with pytest.raises(ValueError, match=r"tiny was made with other settings: dataset checksum is '0' there and"):
        check(other)
    with pytest.raises(ValueError, match="there is no recipe to train mine by; there are those of nasbench201-mnist1d"):
        check(Table("mine", SPACE, table.validation, rows=ROWS, seeds=table.seeds, epochs=table.epochs))
    with pytest.raises(ValueError, match="rows must be at least 2 and at most 4; got 5"):
        check(table, rows=5)
    with pytest.raises(ValueError, match="processes must be at least 1; got 0"):
        check(table, processes=0)


# The commands ----------------------------------------------------------------------------------


def test_the_command_prints_what_it_found_and_its_exit_code_is_the_verdict(table, tmp_path, capsys):
    path = tmp_path / "t.npz"
    table.save(path)
    arguments = ["table", "verify", str(path), "--rows", "4", "--processes", "1", "--device", "cpu", "--quiet"]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "100.0% of the rows exactly as stored\nseed" in said
    assert said.count("new minus mean of the stored") == 2, "of the new seed, validation and test"
    assert "verdict      within seed noise" in said
    changed(table, tmp_path, rows=lambda rows: rows.__setitem__(8, 1)).save(path)
    assert cli.main(arguments) == 1
    assert "WRONG        1 architectures are in the row of another function" in capsys.readouterr().out
    assert cli.main(["table", "verify", "x"]) == 2


def test_info_says_what_is_in_it(table, tmp_path, capsys):
    table.save(tmp_path / "t.npz")
    assert cli.main(["table", "info", str(tmp_path / "t.npz")]) == 0
    said = capsys.readouterr().out
    means = 100 * table.validation[:, :, -1].mean(axis=1)
    for expected in (
        f"tiny, checksum {table.checksum}",
        "15,625 of nasbench201 in 4 rows",
        "seeds                0, 1\n",
        f"{means.min():.2f}, ",
        f", {means.max():.2f}\n",
        f"standard deviation {means.std(ddof=1):.3f}",
        f"{means[1:].std(ddof=1):.3f} without the row of disconnected cells",  # row 0 is the space's first cell's
        f"of one training {100 * seed_noise(table.validation[:, :, -1]):.3f}, of the mean of 2 ",
        "in the better half: cannot be known from two seeds",
        "command              nasedu table build tiny --seeds 2",
        f"digits, checksum {TINY.load_data().checksum}",
        "processes 1, each with ",
    ):
        assert expected in said


def test_one_seed_says_what_cannot_be_known():
    table = Table("x", SPACE, np.linspace(0, 1, 4).reshape(4, 1, 1), rows=ROWS)
    said = describe(table)
    assert "cannot be known from one seed" in said and "rank correlation" not in said


def test_noise_and_rank_correlations_are_those_of_made_up_tables():
    """10,000 cells of deviation 0.06, noise 0.02: noise of the estimate below 1 %, correlation of two seeds 0.9."""
    rng = np.random.default_rng(0)
    values = 0.06 * rng.standard_normal((10_000, 1)) + 0.02 * rng.standard_normal((10_000, 4))
    assert seed_noise(values) == pytest.approx(0.02, rel=0.02)
    everywhere, best_half = rank_correlations(values)
    pearson = 0.06**2 / (0.06**2 + 0.02**2)
    assert everywhere == pytest.approx(6 / np.pi * np.arcsin(pearson / 2), abs=0.01)  # Spearman's, of two normal ones
    truth = values.mean(axis=1)
    half = truth >= np.median(truth)
    biased = stats.spearmanr(values[half, 0], values[half, 1]).statistic
    assert best_half < everywhere and best_half == pytest.approx(biased, abs=0.1)
    assert rank_correlations(values[:, :2])[1] is None
    unrelated = rng.random((10_000, 3))
    assert rank_correlations(unrelated) == pytest.approx((0, 0), abs=0.03), "choosing the half adds no correlation"


def test_the_error_of_a_mean_has_the_trainings_that_each_row_has():
    values = np.array([[0.5, 0.6, np.nan], [0.7, np.nan, np.nan], [0.1, 0.2, 0.3], [np.nan] * 3])
    expected = seed_noise(values) * np.sqrt((1 / 2 + 1 + 1 / 3) / 3)
    table = Table("x", SPACE, values[:, :, None], rows=np.arange(SPACE.size) % 4, seeds=(0, 1, 2))
    assert f"of the mean of at most 3 {100 * expected:.3f}\n" in describe(table)
    assert "of one training 21.213, of the mean of 2 15.000\n" in describe(
        Table("x", SPACE, [[[0.0], [0.3]]] * 3, rows=np.arange(SPACE.size) % 3, seeds=(0, 1))
    )


def test_trainings_that_do_not_differ_have_no_noise_to_divide_by():
    same = [[[0.5], [0.5]], [[0.7], [0.7]], [[0.6], [0.6]]]
    table = Table("x", SPACE, same, rows=np.arange(SPACE.size) % 3, seeds=(0, 1))
    assert "cannot be said: no two trainings of a cell differ" in describe(table)


def test_missing_trainings_are_left_out_of_statistics():
    values = np.array([[0.5, 0.6, np.nan], [0.7, np.nan, np.nan], [0.1, 0.2, 0.3]])
    assert seed_noise(values) == pytest.approx(np.sqrt((0.005 + 0.01) / 2))
    said = describe(Table("x", SPACE, values[:, :, None], rows=np.arange(SPACE.size) % 3, seeds=(0, 1, 2)))
    assert "min, quartiles, max  20.00, 37.50, 55.00, 62.50, 70.00\n" in said
