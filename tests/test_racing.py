"""Races: what the frame says, that nobody sees the test, and the command and the figure that show it."""

import itertools
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas
import psutil
import pytest
import threadpoolctl

import nasedu as nas
from nasedu import cli, plots, racing

TOY = nas.SearchSpace("toy", [nas.Decision(name, (0, 1, 2, 3)) for name in "abc"], {})
VALIDATION = np.random.default_rng(5).permutation(64) / 100
TEST = np.random.default_rng(6).permutation(64) / 80
RACERS = {
    "RandomSearch": nas.strategies.RandomSearch,
    "small": lambda space, rng: nas.strategies.RegularizedEvolution(space, rng, population_size=4, sample_size=2),
}


def toy(test=TEST):
    return nas.tables.Table("toys", TOY, VALIDATION[:, None, None], test=None if test is None else test[:, None])


def long_toy():
    """Return a table with the accuracies after 1, 2 and 8 epochs, and what an epoch takes."""
    validation = np.random.default_rng(7).random((64, 1, 3)) * (1, 1, 0.5)
    seconds = {"seconds_per_epoch": np.linspace(1, 2, 64)}
    return nas.tables.Table("long toys", TOY, validation, epochs=(1, 2, 8), test=TEST[:, None], metrics=seconds)


def run(strategies=RACERS, evaluator=None, trials=9, seeds=3, processes=1):
    return nas.race(strategies, evaluator or toy(), trials=trials, seeds=seeds, processes=processes, progress=False)


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
    assert list(frame) == ["strategy", "seed", "trial", "score", "elapsed", "incumbent_score", "incumbent_test"]
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
    seen = ["strategy", "seed", "trial", "score", "elapsed", "incumbent_score"]
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
        ({"seeds": 0}, ValueError, "seeds must be a whole number, at least 1; got 0"),
        ({"evaluator": "nasbench201-digits"}, TypeError, r"nas\.tables\.load\('nasbench201-digits'\); got 'nasb"),
        ({"seeds": True}, ValueError, "seeds must be a whole number, at least 1; got True"),
        ({"seeds": 2.5}, ValueError, "seeds must be a whole number, at least 1; got 2.5"),
        ({"trials": 0}, ValueError, "trials must be a whole number, at least 1; got 0"),
        ({"processes": "2"}, ValueError, "processes must be a whole number, at least 1; got '2'"),
        ({"strategies": {}}, ValueError, "at least one strategy; got none"),
        ({"strategies": [nas.strategies.RandomSearch]}, TypeError, "strategies must have names.*got list"),
        (
            {"strategies": {"a": nas.strategies.RandomSearch(nas.spaces.NASBench201(), np.random.default_rng(0))}},
            TypeError,
            "give the class or a function, not an object; 'a' is an object of the class RandomSearch",
        ),
        ({"strategies": {"a": "RandomSearch"}}, TypeError, "not an object; 'a' is 'RandomSearch'"),
        ({"evaluator": nas.evaluators.Train}, TypeError, "got the class Train: call it"),
        (
            {"evaluator": lambda cells: cells},
            TypeError,
            "space of its architectures.*got <function .*, without evaluator.space",
        ),
    ],
)
def test_what_cannot_be_a_race_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        run(**changes)


class Halving:
    """Proposals of 1, 2 and 8 epochs in turn, of random architectures."""

    def __init__(self, space, rng):
        self.space, self.rng, self.asked = space, rng, 0

    def ask(self):
        self.asked += 1
        return nas.Proposal(self.space.sample(self.rng), (8, 2, 1)[self.asked % 3])

    def tell(self, trial):
        pass


def test_the_incumbent_is_the_best_of_those_trained_for_longest_and_time_is_what_was_trained():
    table = long_toy()
    frame = run({"halving": Halving}, table, trials=9, seeds=1)
    trials = nas.search(Halving(TOY, np.random.default_rng(0)), table, 9).run(progress=False).trials
    assert [trial.epochs for trial in trials] == [2, 1, 8] * 3
    for n, row in enumerate(frame.itertuples()):
        longest = max(trial.epochs for trial in trials[: n + 1])
        best = max((t for t in trials[: n + 1] if t.epochs == longest), key=lambda trial: trial.score)
        assert (row.incumbent_score, row.incumbent_test) == (best.score, table.test(best.architecture))
        index = [list(table.space).index(trial.architecture) for trial in trials[: n + 1]]
        trained = sum(t.epochs * (1 + i / 63) for t, i in zip(trials[: n + 1], index, strict=True))
        assert row.elapsed == pytest.approx(trained, rel=1e-6)
    assert (np.diff(frame["incumbent_score"]) < 0).any(), "a longer training takes the place of a luckier one"


def test_a_budget_of_seconds_ends_each_search():
    frame = nas.race(RACERS, long_toy(), trials=1000, seeds=3, seconds=100, processes=1, progress=False)
    for _, search in frame.groupby(["strategy", "seed"]):
        assert search["elapsed"].iloc[-1] >= 100 > search["elapsed"].iloc[-2]
    assert len(nas.race(RACERS, long_toy(), trials=2, seeds=1, seconds=100, processes=1, progress=False)) == 4
    alone = nas.race(RACERS, long_toy(), seeds=3, seconds=100, processes=1, progress=False)
    pandas.testing.assert_frame_equal(alone, frame)
    with pytest.raises(ValueError, match="must know when its searches end: give trials, or seconds, or both"):
        nas.race(RACERS, long_toy(), seeds=3, progress=False)


def broken(space, rng):
    """Return random search, but nothing from the second seed."""
    return None if rng.bit_generator.state == np.random.default_rng(1).bit_generator.state else Halving(space, rng)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_search_that_fails_says_which_and_why(processes):
    with pytest.raises(RuntimeError, match="search of 'broken' from seed 1 failed: TypeError: a strategy is an object"):
        run({"halving": Halving, "broken": broken}, long_toy(), processes=processes)


# Other processes -------------------------------------------------------------------------------


def own_class():
    """Return a strategy's class that no other process can import, as one of a notebook."""

    class Mine(Halving):
        pass

    return Mine


def test_in_other_processes_there_are_the_same_rows_and_nothing_is_left_running():
    sizes = iter([4])
    size = next(sizes)
    racers = {
        **RACERS,
        "of a notebook": own_class(),
        "closure": lambda space, rng: nas.strategies.RegularizedEvolution(
            space, rng, population_size=size, sample_size=2
        ),
        "Reinforce": nas.strategies.Reinforce,
    }
    before = psutil.Process().children(recursive=True)
    here, there = (run(racers, long_toy(), trials=12, processes=processes) for processes in (1, 2))
    pandas.testing.assert_frame_equal(here, there, check_exact=True)
    left = [process for process in psutil.Process().children(recursive=True) if process not in before]
    assert [process for process in left if "resource_tracker" not in " ".join(process.cmdline())] == []


def test_a_short_race_starts_no_processes_and_a_longer_one_does_when_it_has_run_for_a_while(monkeypatch):
    started = []

    def side_by_side(work, jobs, count):
        started.append((jobs, count))
        yield from ((job, work(job)) for job in jobs)

    monkeypatch.setattr(racing, "side_by_side", side_by_side)
    monkeypatch.setattr("joblib.cpu_count", lambda: 3)
    frame = run(processes=None)
    assert started == []
    seconds = itertools.count()  # one for each look at the clock
    monkeypatch.setattr(racing, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    pandas.testing.assert_frame_equal(run(processes=None), frame)
    jobs = list(itertools.product(range(3), RACERS))
    assert racing.PATIENCE == 2
    assert started == [(jobs[1:], 3)], "the first search ran here"


def where(space, rng):
    """Return a strategy whose settings say where it runs."""
    strategy = nas.strategies.RandomSearch(space, rng)
    threads = {library["num_threads"] for library in threadpoolctl.threadpool_info()}
    Path(os.environ["NASEDU_TEST_WHERE"], f"{os.getpid()} {time.monotonic_ns()} {max(threads)}").touch()
    time.sleep(0.2)
    return strategy


def test_searches_run_side_by_side_each_on_one_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("NASEDU_TEST_WHERE", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    run({"where": where}, trials=1, seeds=8, processes=2)
    notes = [path.name.split() for path in tmp_path.iterdir()]
    assert len(notes) == 8
    processes = {process for process, _, _ in notes}
    assert len(processes) == 2 and str(os.getpid()) not in processes
    assert {threads for _, _, threads in notes} == {"1"}


def test_what_cannot_be_sent_is_said():
    table = toy()
    table.lock = threading.Lock()
    with pytest.raises(TypeError, match=r"must be what other processes can be sent: .*lock.*processes=1"):
        run(evaluator=table, processes=2)
    assert len(run(evaluator=table, processes=1)) == 2 * 3 * 9


INTERRUPTED = """
import os, signal, threading, time, warnings
from pathlib import Path
import numpy as np, psutil
import nasedu as nas

folder = Path(os.environ["NASEDU_TEST_STUCK"])

def stuck(space, rng):
    # The first eight seeds run; the others wait for the interrupt.
    states = {str(np.random.default_rng(seed).bit_generator.state): seed for seed in range(8, 99)}
    seed = states.get(str(rng.bit_generator.state))
    if seed:
        (folder / str(seed)).touch()
        time.sleep(600)
    return nas.strategies.RandomSearch(space, rng)

def interrupt():
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(0, signal.SIGINT)  # all processes, as Ctrl-C in a shell and Jupyter do

space = nas.SearchSpace("toy", [nas.Decision(name, (0, 1, 2, 3)) for name in "abc"])
table = nas.tables.Table("toys", space, np.random.default_rng(0).random((64, 1, 1)))
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may have it ignored
threading.Thread(target=interrupt, daemon=True).start()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    frame = nas.race({"stuck": stuck}, table, trials=5, seeds=99, processes=2, progress=False)
left = [process for process in psutil.Process().children() if "resource_tracker" not in str(process.cmdline())]
print(frame["seed"].unique().tolist(), len(frame), caught[-1].message, left)
"""


@pytest.mark.skipif(os.name != "posix", reason="a group of processes is signalled")
def test_an_interrupt_keeps_what_is_done_and_ends_the_other_processes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, start_new_session=True, timeout=100,
        env={**os.environ, "NASEDU_TEST_STUCK": str(tmp_path)},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == f"{list(range(8))} 40 interrupted after 8 of 99 seeds; the rest is not there. []\n"


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
    assert [ax.get_xlabel() for ax in shown] == ["trials"] * 3
    assert len({ax.get_position().y0 for ax in shown}) == 1, "three panels are one row: none is alone in another"


def test_a_panel_above_an_empty_place_names_its_axis():
    figure = plots.race(run({str(n): nas.strategies.RandomSearch for n in range(6)}))
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_xlabel() for ax in shown] == ["", "", "trials", "trials", "trials"]
    assert all(label.get_visible() for label in shown[2].get_xticklabels())


def lines_of(ax):
    """Return the widest lines of an axes: the medians."""
    return [(line.get_xdata(), line.get_ydata()) for line in widest(ax)]


def test_over_time_a_line_ends_where_the_first_search_does_and_has_what_was_found_by_then():
    frame = run({"RandomSearch": nas.strategies.RandomSearch}, long_toy(), trials=40)
    (ax,) = plots.race(frame, by_time=True).axes
    ((x, y),) = lines_of(ax)
    assert ax.get_xlabel() == "simulated minutes" and frame["elapsed"].max() > 120
    assert x[-1] == pytest.approx(frame["elapsed"].max() / 60)
    searches = [each for _, each in frame.groupby("seed")]
    for minutes, value in zip(x, y, strict=True):
        found = [each[each["elapsed"] <= 60 * minutes]["incumbent_test"] for each in searches]
        all_run = all(each["elapsed"].iloc[0] <= 60 * minutes <= each["elapsed"].iloc[-1] for each in searches)
        assert np.isnan(value) or value == pytest.approx(np.median([each.iloc[-1] for each in found]))
        assert np.isnan(value) != all_run
    with pytest.raises(ValueError, match="have no cost"):
        plots.race(run(), by_time=True)


def test_regret_is_what_is_missing_to_the_best_there_is():
    frame, best = run(trials=40), TEST.max()
    figure = plots.regret(frame, best)
    (ax,) = figure.axes
    assert ax.get_yscale() == "log" and ax.get_ylabel() == "regret, % points"
    for (_, y), name in zip(lines_of(ax), RACERS, strict=True):
        of = frame[frame["strategy"] == name].groupby("trial")["incumbent_test"].median()
        np.testing.assert_allclose(y, best - of)
    figure.canvas.draw()
    low, high = ax.get_ylim()
    ticks = {tick: label.get_text() for tick, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)}
    shown = {tick: text for tick, text in ticks.items() if low <= tick <= high}
    assert len(shown) >= 2 and all(float(text) == pytest.approx(100 * tick) for tick, text in shown.items())
    with pytest.raises(ValueError, match="best must be the highest test accuracy there is; the race has found"):
        plots.regret(frame, frame["incumbent_test"].max() - 0.001)


def test_a_strategy_alone_has_the_only_panel():
    figure = plots.race(run({"small": RACERS["small"]}))
    (ax,) = figure.axes
    assert ax.get_title("left") == "small"
    assert len(widest(ax)) == 1
    assert figure.legends == []


def test_a_race_without_a_test_is_not_drawn():
    with pytest.raises(ValueError, match="has none: race on a table that has them"):
        plots.race(run(evaluator=toy(None)))


def test_only_races_are_drawn_as_races_and_percents_are_no_fractions():
    frame = run()
    strategy = nas.strategies.RandomSearch(TOY, np.random.default_rng(0))
    history = nas.search(strategy, toy(), trials=2).run(progress=False)
    for draw in (plots.race, lambda given: plots.regret(given, best=1.0), nas.analysis.outcomes, nas.analysis.curves):
        with pytest.raises(TypeError, match=r"what nas\.race returned; got History\. .*nas\.plots\.histories draws"):
            draw(history)
    for draw in (plots.race, plots.regret, nas.analysis.regret):
        with pytest.raises(ValueError, match=r"best must be .*in \[0, 1\]; got 97\.9\. Divide percent by 100"):
            draw(frame, best=97.9)


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
    return cli.main(["race", "--table", str(folder / f"{table}.npz"), "--quiet", "--processes", "1", *arguments])


def test_the_command_prints_means_and_spreads_and_draws(folder, tmp_path, capsys):
    picture = tmp_path / "race.png"
    arguments = ["--trials", "60", "--seeds", "3", "--strategies", "random,genetic-algorithm", "--figure", str(picture)]
    assert race(folder, *arguments) == 0
    title, numbers, *rows, best, by_validation, against, pair, time = capsys.readouterr().out.splitlines()
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
    tests = 100 * table.test_accuracies()
    assert best == f"best there is          {tests.max():.2f}, mean over 2 seeds"
    tied = tests[table.accuracies() == 0.75]  # those of six convolutions
    chosen = f"{tied.min():.2f} to {tied.max():.2f}, of several that tie, chosen by one training"
    assert by_validation == f"best by validation     {chosen}" and len(tied) == 64
    assert against.startswith("against RandomSearch, from the same seeds")
    (row,) = nas.analysis.compare(
        nas.analysis.outcomes(frame), np.random.default_rng(0), control="RandomSearch"
    ).itertuples()
    numbers = [f"{100 * value:+.2f}" for value in (row.difference, row.low, row.high)]
    assert pair.split() == ["GeneticAlgorithm", numbers[0], numbers[1], "to", numbers[2], "p", "=", f"{row.p_holm:.3f}"]
    assert time.startswith("time")
    assert picture.stat().st_size > 10_000


def test_a_folder_that_is_not_there_is_told_before_the_race(folder, tmp_path, capsys):
    assert race(folder, "--trials", "10", "--figure", str(tmp_path / "none" / "race.png")) != 0
    said = capsys.readouterr()
    assert "there is no folder" in said.err and "RandomSearch" not in said.out


def test_unless_said_otherwise_some_of_each_family_race_and_random_search_is_the_first(folder, capsys):
    assert race(folder, "--trials", "3", "--seeds", "1") == 0
    title, _, *rows = capsys.readouterr().out.splitlines()[:-3]
    assert title == "test accuracy in % of the best so far by validation, one seed"
    names = [row.split()[0] for row in rows]
    assert names[0] == "RandomSearch" and set(names) < set(nas.strategies.__all__)
    assert 4 <= len(names) <= 8, "as many as a figure shows well"
    assert all(len(row.split()) == 2 for row in rows), "one seed has no spread"


def test_the_best_by_validation_that_does_not_tie_is_told_by_one_number(capsys):
    table = nas.tables.load("nasbench201-mnist1d").one(0)
    assert cli.main(["race", "--table", table.name, "--trials", "2", "--seeds", "1", "--quiet"]) == 0
    line = f"best by validation     {100 * table.test(table.best()):.2f}, chosen by one training\n"
    assert line in capsys.readouterr().out


def test_a_race_over_seconds_prints_what_was_found_by_then_and_draws_it(tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "race", lambda *given, **how: drawn.append(how) or plots.races.race(*given, **how))
    picture = tmp_path / "race.svg"
    arguments = ["--seconds", "40", "--seeds", "2", "--strategies", "random,hyperband", "--figure", str(picture)]
    table = nas.tables.load("nasbench201-mnist1d")
    assert cli.main(["race", "--table", table.name, "--quiet", "--processes", "1", *arguments]) == 0
    _, numbers, *rows = capsys.readouterr().out.splitlines()[:4]
    assert numbers.split() == ["seconds", "5", "10", "20", "40"]
    racers = {"RandomSearch": nas.strategies.RandomSearch, "Hyperband": nas.strategies.Hyperband}
    frame = nas.race(racers, table.one(0), trials=999, seeds=2, seconds=40, processes=1, progress=False)
    for row, name in zip(rows, racers, strict=True):
        cells = [name]
        for second in (5, 10, 20, 40):
            by_then = frame[(frame["strategy"] == name) & (frame["elapsed"] <= second)]
            found = 100 * by_then.groupby("seed")["incumbent_test"].last()
            cells += [f"{found.mean():.2f}", "±", f"{found.std():.2f}"]
        assert row.split() == cells
    assert drawn[0]["by_time"] and picture.stat().st_size > 10_000


def test_every_strategy_can_race_by_its_name(capsys):
    names = list(cli._strategies())
    arguments = ["--trials", "6", "--seeds", "1", "--strategies", ",".join(names), "--quiet"]
    assert cli.main(["race", "--table", "nasbench201-mnist1d", *arguments]) == 0
    rows = capsys.readouterr().out.splitlines()[2:-3]
    assert [row.split()[0] for row in rows] == [cli._strategies()[name].__name__ for name in names]
    assert all(float(row.split()[-1]) > 50 for row in rows), "all have found something"


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
        (["--strategies", "random,frob"], "with", "unknown strategy 'frob'; there are "),
        (["--strategies", "darts"], "with", "unknown strategy 'darts'; there are "),
        (["--strategies", "evolution,regularized-evolution"], "with", "once; RegularizedEvolution is there 2 times"),
        (["--seeds", "0"], "with", "seeds must be a whole number, at least 1; got 0"),
        (["--trials", "0"], "with", "trials must be a whole number, at least 1; got 0"),
        (
            ["--seconds", "9"],
            "with",
            "'RandomSearch' from seed 0 failed: ValueError: with a budget of 9.0 seconds every",
        ),
        (["--figure", "race.gif"], "with", "must end in .svg, .pdf or .png; got 'race.gif'"),
        ([], "without", "a race is judged by test accuracy, and table without has none"),
        ([], "nowhere", "No such file or directory"),
        (
            ["--table", "accuracies.csv"],
            "with",
            "a file that ends in .npz; got 'accuracies.csv'. A CSV",
        ),
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
