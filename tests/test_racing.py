"""Races: what the frame says, that nobody sees the test, and the command and the figure that show it."""

import itertools
import math
from pathlib import Path

import numpy as np
import pandas
import pytest

import nasedu as nas
from nasedu import cli, plots

TOY = nas.SearchSpace("toy", [nas.Decision(name, (0, 1, 2, 3)) for name in "abc"], {})
VALIDATION = np.random.default_rng(5).permutation(64) / 100
TEST = np.random.default_rng(6).permutation(64) / 80
RACERS = {
    "RandomSearch": nas.strategies.RandomSearch,
    "small": lambda space, rng: nas.strategies.RegularizedEvolution(space, rng, population_size=4, sample_size=2),
}


def toy(test=TEST):
    return nas.tables.Table("toys", TOY, VALIDATION[:, None, None], test=None if test is None else test[:, None])


def run(strategies=RACERS, evaluator=None, trials=9, seeds=3):
    return nas.race(strategies, evaluator or toy(), trials=trials, seeds=seeds, progress=False)


class Spy:
    """An evaluator that notes what is asked of it; the third trial of each search is the first that does not fail."""

    def __init__(self):
        self.space, self.notes = TOY, []

    def __call__(self, architectures):
        self.notes.append("evaluate")
        count = len(list(itertools.takewhile(lambda note: note == "evaluate", reversed(self.notes))))
        accuracy = {"failure": "too early"} if count < 3 else {"accuracy": 0.1 * min(count, 5)}
        return [nas.Trial(architecture, **accuracy) for architecture in architectures]

    def test(self, architecture):
        self.notes.append("test")
        return 0.25


# The frame -------------------------------------------------------------------------------------


def test_there_is_a_row_for_each_strategy_seed_and_trial():
    frame = run()
    assert list(frame) == ["strategy", "seed", "trial", "score", "incumbent_score", "incumbent_test"]
    keys = list(frame[["seed", "strategy", "trial"]].itertuples(index=False, name=None))
    assert keys == list(itertools.product(range(3), RACERS, range(1, 10)))


def test_each_search_is_the_plain_search_from_its_seed():
    frame, table = run(), toy()
    for name, seed in itertools.product(RACERS, range(3)):
        rows = frame[(frame["strategy"] == name) & (frame["seed"] == seed)]
        strategy = RACERS[name](TOY, np.random.default_rng(seed))
        trials = nas.search(strategy, table, 9).run(progress=False).trials
        scores = [trial.score for trial in trials]
        assert rows["score"].tolist() == scores
        assert rows["incumbent_score"].tolist() == np.maximum.accumulate(scores).tolist()
        best = [trials[int(np.argmax(scores[: n + 1]))].architecture for n in range(9)]
        assert rows["incumbent_test"].tolist() == [table.test(architecture) for architecture in best]


def test_the_same_race_again_and_a_longer_one_give_the_same_rows():
    frame = run()
    pandas.testing.assert_frame_equal(run(), frame)
    pandas.testing.assert_frame_equal(run(seeds=2), frame[frame["seed"] < 2])
    alone = frame[frame["strategy"] == "small"].reset_index(drop=True)
    pandas.testing.assert_frame_equal(run({"small": RACERS["small"]}), alone)


def test_what_is_searched_does_not_depend_on_the_test():
    seen = ["strategy", "seed", "trial", "score", "incumbent_score"]
    frame, other = run(), run(evaluator=toy(1 - TEST))
    pandas.testing.assert_frame_equal(frame[seen], other[seen])
    assert (frame["incumbent_test"] != other["incumbent_test"]).any()


def test_the_test_is_looked_up_when_a_search_is_over_once_for_each_incumbent_that_succeeded():
    spy = Spy()
    frame = run({"RandomSearch": nas.strategies.RandomSearch}, spy, trials=7, seeds=2)
    assert spy.notes == (["evaluate"] * 7 + ["test"] * 3) * 2
    first = frame[frame["seed"] == 0]
    expected = {
        "score": [math.nan, math.nan, 0.3, 0.4, 0.5, 0.5, 0.5],
        "incumbent_test": [math.nan, math.nan] + [0.25] * 5,
    }
    for column, values in expected.items():
        np.testing.assert_allclose(first[column], values)
    np.testing.assert_allclose(first["incumbent_score"], expected["score"])


def test_without_a_test_there_is_none_in_the_frame():
    pandas.testing.assert_frame_equal(run(evaluator=toy(None)), run().assign(incumbent_test=math.nan))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"seeds": 0}, ValueError, "seeds must be at least 1; got 0"),
        ({"trials": 0}, ValueError, "trials must be at least 1; got 0"),
        ({"strategies": {}}, ValueError, "at least one strategy; got none"),
        ({"strategies": [nas.strategies.RandomSearch]}, TypeError, "strategies must have names.*got list"),
        ({"evaluator": lambda cells: cells}, TypeError, "space of its architectures.*got function without one"),
    ],
)
def test_what_cannot_be_a_race_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        run(**changes)


def stopping_at(stop):
    """Return a strategy that is interrupted in the search of this number, from 0."""
    made = itertools.count()

    def make(space, rng):
        if next(made) == stop:
            raise KeyboardInterrupt
        return nas.strategies.RandomSearch(space, rng)

    return make


def test_an_interrupted_race_keeps_the_seeds_from_which_all_have_run():
    with pytest.warns(UserWarning, match="interrupted after 2 of 3 seeds"):
        frame = run({"RandomSearch": nas.strategies.RandomSearch, "slow": stopping_at(2)})
    assert frame.groupby("strategy")["seed"].unique().map(list).to_dict() == {"RandomSearch": [0, 1], "slow": [0, 1]}
    assert len(frame) == 2 * 2 * 9
    with pytest.raises(KeyboardInterrupt):
        run({"slow": stopping_at(0)})


# The figure ------------------------------------------------------------------------------------


def widest(ax):
    return [line for line in ax.lines if line.get_linewidth() == 2]


def test_each_strategy_has_a_panel_with_the_first_behind_it():
    racers = {
        **RACERS,
        "large": nas.strategies.RegularizedEvolution,
        "GeneticAlgorithm": nas.strategies.GeneticAlgorithm,
    }
    frame = run(racers, trials=40)
    frame.loc[frame["trial"] <= 2, "incumbent_test"] = 0.0  # as beginnings are
    figure = plots.race(frame, best=0.99)
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title("left") for ax in shown] == ["small", "large", "GeneticAlgorithm"]
    for ax in shown:
        for line, name in zip(widest(ax), ("RandomSearch", ax.get_title("left")), strict=True):
            of = frame[frame["strategy"] == name].groupby("trial")["incumbent_test"].median()
            np.testing.assert_allclose(line.get_xdata(), range(1, 41))
            np.testing.assert_allclose(line.get_ydata(), of)
            assert line.get_color() == plots.palette.strategy_styles(list(racers))[list(racers).index(name)].color
        late = frame[frame["trial"] > 2].groupby(["strategy", "trial"])["incumbent_test"]
        low = late.quantile(0.1).min()
        margin = 0.05 * (0.99 - low)
        assert ax.get_ylim() == pytest.approx((low - margin, 0.99 + margin)), "random beginnings squeeze nothing"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["RandomSearch", "best there is: 99.00 %"]
    assert figure.get_suptitle() == "median and 10–90 % of 3 seeds"
    assert [ax.get_xlabel() for ax in shown] == ["", "trials", "trials"]
    assert all(label.get_visible() for label in shown[1].get_xticklabels())


def test_a_strategy_alone_has_the_only_panel():
    figure = plots.race(run({"small": RACERS["small"]}))
    (ax,) = figure.axes
    assert ax.get_title("left") == "small"
    assert len(widest(ax)) == 1
    assert figure.legends == []


def test_a_race_without_a_test_is_not_drawn():
    with pytest.raises(ValueError, match="has none: race on a table that has them"):
        plots.race(run(evaluator=toy(None)))


# The command -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables of NAS-Bench-201 with two trainings, of which the first counts convolutions; with a test and without."""
    folder = tmp_path_factory.mktemp("tables")
    convolutions = np.array([str(cell).count("conv") for cell in nas.spaces.NASBench201()]) / 8
    validation = np.stack([convolutions, 1 - convolutions], axis=1)[:, :, None]
    test = np.clip(convolutions[:, None] + np.random.default_rng(0).normal(0, 0.02, (15_625, 2)), 0, 1)
    for name, given in (("with", test), ("without", None)):
        table = nas.tables.Table(name, nas.spaces.NASBench201(), validation, seeds=(3, 4), test=given)
        table.save(folder / f"{name}.npz")
    return folder


def race(folder: Path, *arguments: str, table: str = "with") -> int:
    return cli.main(["race", "--table", str(folder / f"{table}.npz"), "--quiet", *arguments])


def test_the_command_prints_means_and_spreads_and_draws(folder, tmp_path, capsys):
    picture = tmp_path / "race.png"
    arguments = ["--trials", "60", "--seeds", "3", "--strategies", "random,genetic-algorithm", "--figure", str(picture)]
    assert race(folder, *arguments) == 0
    title, numbers, *rows, best, by_validation, time = capsys.readouterr().out.splitlines()
    assert title.endswith("of 3 seeds")
    assert numbers.split() == ["trials", "10", "50", "60"]
    table = nas.tables.Table.load(folder / "with.npz").one(3)
    racers = {"RandomSearch": nas.strategies.RandomSearch, "GeneticAlgorithm": nas.strategies.GeneticAlgorithm}
    frame = run(racers, table, trials=60)
    for row, name in zip(rows, racers, strict=True):
        cells = [name]
        for trial in (10, 50, 60):
            found = 100 * frame[(frame["strategy"] == name) & (frame["trial"] == trial)]["incumbent_test"].to_numpy()
            cells += [f"{found.mean():.2f}", "±", f"{found.std(ddof=1):.2f}"]
        assert row.split() == cells
    most, chosen = table.test_accuracies().max(), table.test(table.best())
    assert best == f"best there is          {100 * most:.2f}, mean over 2 seeds"
    assert by_validation == f"best by validation     {100 * chosen:.2f}, chosen by one training" and chosen < most
    assert time.startswith("time")
    assert picture.stat().st_size > 10_000


def test_all_strategies_race_and_random_search_is_the_first(folder, capsys):
    assert race(folder, "--trials", "5", "--seeds", "1") == 0
    rows = capsys.readouterr().out.splitlines()[2:-3]
    names = [row.split()[0] for row in rows]
    assert names[0] == "RandomSearch" and sorted(names) == sorted(nas.strategies.__all__)
    assert all(len(row.split()) == 2 for row in rows), "one seed has no spread"


def test_an_interrupted_race_prints_what_is_complete(folder, capsys, monkeypatch):
    monkeypatch.setattr(cli, "_racers", lambda given: {"slow": stopping_at(2)})
    assert race(folder, "--trials", "5", "--seeds", "4") == 130
    out, err = capsys.readouterr()
    assert "of 2 seeds" in out and "slow" in out
    assert err == "nasedu: interrupted after 2 of 4 seeds.\n"
    monkeypatch.setattr(cli, "_racers", lambda given: {"slow": stopping_at(0)})
    assert race(folder) == 130
    assert capsys.readouterr() == (
        "",
        "nasedu: interrupted before every strategy had run once; there is nothing to show.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "table", "message"),
    [
        (["--strategies", "random,frob"], "with", "unknown strategy 'frob'; there are boltzmann-policy, "),
        (["--strategies", "darts"], "with", "unknown strategy 'darts'; there are boltzmann-policy, "),
        (["--seeds", "0"], "with", "seeds must be at least 1; got 0"),
        (["--figure", "race.gif"], "with", "must end in .svg, .pdf or .png; got 'race.gif'"),
        ([], "without", "a race is judged by test accuracy, and table without has none"),
        ([], "nowhere", "No such file or directory"),
    ],
)
def test_a_mistake_is_one_line(folder, capsys, arguments, table, message):
    assert race(folder, *arguments, table=table) == 2
    out, err = capsys.readouterr()
    assert out == "", "it is found before the race"
    (line,) = err.splitlines()
    assert line.startswith("nasedu: ") and message in line


def test_a_search_on_a_table_of_ours_without_a_test_advises_no_column(folder, capsys):
    assert cli.main(["search", "--trials", "2", "--table", str(folder / "without.npz"), "--quiet"]) == 0
    assert "not looked up: the table has none\n" in capsys.readouterr().out


def test_a_race_needs_a_table(capsys):
    assert cli.main(["race"]) == 2
    assert "required: --table" in capsys.readouterr().err
