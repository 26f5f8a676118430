"""Bayesian optimisation: its parts against known answers and other programs, and what a search does with them."""

import dataclasses

import numpy as np
import pytest
from scipy import integrate, optimize, stats

import nasedu as nas
from nasedu.spaces import DARTS, Chain, NASBench201
from nasedu.strategies import BayesianOptimization
from nasedu.strategies.archive import Archive, normal_scores
from nasedu.strategies.bayesian_optimization import expected_improvement
from nasedu.strategies.encodings import Encoder, decisions, paths
from nasedu.strategies.gaussian_process import fit, negative_log_likelihood, posterior, similarity

SPACE = NASBench201()


def cell(text):
    """Return the cell of six operations by their first letters: none, skip, 1x1, 3x3, pool."""
    return SPACE.architecture(tuple("ns13p".index(letter) for letter in text))


def random_problem(count, seed=0):
    """Return distances [2, count, count] between random cells, and values that depend on the cells."""
    rng = np.random.default_rng(seed)
    cells = [SPACE.sample(rng) for _ in range(count)]
    encoders = Encoder(decisions), Encoder(paths)
    distances = np.array([encoder.differences(cells, cells) for encoder in encoders])
    values = encoders[0].rows(cells) @ rng.normal(size=len(encoders[0].columns)) + 0.1 * rng.normal(size=count)
    return distances, normal_scores(values)


def squared_distances(a, b):
    return ((a[:, None] - b) ** 2).sum(axis=2)


# Encodings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nnnnnn", []),
        ("nnnsnn", ["0"]),
        ("nnn3nn", ["0 > nor_conv_3x3"]),
        ("3nnsnn", ["0"]),  # node 1 leads nowhere
        ("3s1psp", ["0 > avg_pool_3x3", "0 > nor_conv_3x3", "0 > nor_conv_3x3 > nor_conv_1x1 > avg_pool_3x3"]),
    ],
)
def test_the_paths_of_a_cell(text, expected):
    found = paths(cell(text))
    assert found == sorted(set(found))
    assert set(expected) <= set(found)
    if text == "3s1psp":  # also over 0→2→3: a skip and pooling
        expected = [*expected, "0 > avg_pool_3x3"]
    assert set(found) == set(expected)


def test_a_skip_changes_no_path_and_another_way_round_is_the_same_path():
    assert paths(cell("3nn0p0".replace("0", "n"))) == paths(cell("n3nnnp"))
    assert paths(cell("3nnnsn")) == paths(cell("nnn3nn"))


def test_cells_of_the_same_function_have_the_same_paths():
    by_name = {}
    rng = np.random.default_rng(0)
    for each in [SPACE.sample(rng) for _ in range(800)]:
        by_name.setdefault(SPACE.canonical(each), set()).add(tuple(paths(each)))
    assert len(by_name) < 700  # so that there are many with the same function
    assert all(len(found) == 1 for found in by_name.values())  # equal functions have equal paths
    assert len({next(iter(found)) for found in by_name.values()}) < len(by_name)  # but not the other way round


def test_the_paths_of_darts_name_the_cell_and_the_input():
    rng = np.random.default_rng(0)
    for architecture in [DARTS().sample(rng) for _ in range(20)]:
        found = paths(architecture)
        assert all(path.split(" > ")[0] in ("normal 0", "normal 1", "reduce 0", "reduce 1") for path in found)
        assert max(path.count(">") for path in found) <= 3


def test_layers_that_compute_are_operations_of_a_path_and_long_paths_are_left_out():
    space = Chain()
    assert paths(space.parse("conv3-16-relu > pool")) == ["input > conv 3 ×16 relu > pool 2"]
    assert paths(space.parse("pool > pool > pool > pool")) == []


def test_decisions_that_do_not_matter_have_no_column():
    assert decisions(Chain().parse("pool")) == ["depth=1", "layer 1 type=pool"]


def test_an_encoder_has_columns_for_what_it_learned():
    encoder, rng = Encoder(decisions), np.random.default_rng(0)
    some, more = ([SPACE.sample(rng) for _ in range(count)] for count in (3, 40))
    encoder.learn(some)
    early = encoder.rows(some)
    assert encoder.rows(more).shape == (40, early.shape[1])
    encoder.learn(more)
    late = encoder.rows(some)
    np.testing.assert_array_equal(late[:, : early.shape[1]], early)
    assert late.shape[1] > early.shape[1] and not late[:, early.shape[1] :].any()
    for row, each in zip(late, some, strict=True):
        assert {name for name, column in encoder.columns.items() if row[column]} == set(decisions(each))


@pytest.mark.parametrize("features", [decisions, paths])
@pytest.mark.parametrize("space", [SPACE, DARTS(), Chain()], ids=str)
def test_differences_are_what_only_one_of_two_has(features, space):
    encoder, rng = Encoder(features), np.random.default_rng(0)
    some, others = ([space.sample(rng) for _ in range(20)] for _ in range(2))
    expected = [[len(set(features(a)) ^ set(features(b))) for b in others] for a in some]
    np.testing.assert_array_equal(encoder.differences(some, others), expected)


def test_normal_scores():
    np.testing.assert_allclose(normal_scores([0.1, 0.9, 0.5]), stats.norm.ppf([1 / 6, 5 / 6, 3 / 6]), atol=1e-12)
    found = normal_scores([0.5, -np.inf, 0.5, -np.inf])
    assert found[0] == found[2] > 0 > found[1] == found[3]
    assert normal_scores([0.3, 0.3]).tolist() == [0, 0]


# The Gaussian process ----------------------------------------------------------------------------


def test_the_posterior_is_that_of_scikit_learn():
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, Kernel

    class Columns(Kernel):
        """A kernel of some columns."""

        def __init__(self, kernel, first, last):
            self.kernel, self.first, self.last = kernel, first, last

        def __call__(self, X, Y=None, eval_gradient=False):
            return self.kernel(X[:, self.first : self.last], None if Y is None else Y[:, self.first : self.last])

        def diag(self, X):
            return np.ones(len(X))

        def is_stationary(self):
            return True

    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 2, (50, 12)).astype(float) for _ in range(2))
    lengths, values = (5.0, 2.0), rng.normal(size=40)
    rows = np.concatenate([a, b], axis=1)
    halves = [RBF(np.sqrt(length / 2)) for length in lengths]  # exp(−d/ℓ) = exp(−d / (2 · ℓ/2))
    kernel = 0.5 * Columns(halves[0], 0, 12) + 0.5 * Columns(halves[1], 12, 24)
    theirs = GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None).fit(rows[:40], values)
    expected = theirs.predict(rows[40:], return_std=True)
    among = np.array([squared_distances(each[:40], each[:40]) for each in (a, b)])
    across = np.array([squared_distances(each[40:], each[:40]) for each in (a, b)])
    found = posterior(similarity(among, lengths), similarity(across, lengths), values, noise=0.1)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    likelihood, _ = negative_log_likelihood(np.log([*lengths, 0.1]), among, values)
    assert likelihood + 20 * np.log(2 * np.pi) == pytest.approx(-theirs.log_marginal_likelihood_value_)


def test_the_gradient_of_the_likelihood_is_that_of_differences():
    distances, values = random_problem(30)
    for parameters in (np.log([8.0, 3.0, 0.1]), np.log([100.0, 0.5, 0.01])):
        found = negative_log_likelihood(parameters, distances, values)[1]
        expected = optimize.approx_fprime(parameters, lambda p: negative_log_likelihood(p, distances, values)[0], 1e-6)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_a_fit_finds_the_highest_likelihood_of_a_grid():
    distances, values = random_problem(40)
    lengths, noise = fit(distances, values)
    best = negative_log_likelihood(np.log([*lengths, noise]), distances, values)[0]
    typical = distances.sum(axis=(1, 2)) / (40 * 39)
    grid = [(a * typical[0], b * typical[1], c) for a in (0.1, 1, 10) for b in (0.1, 1, 10) for c in (0.01, 0.1, 0.9)]
    assert best <= min(negative_log_likelihood(np.log(point), distances, values)[0] for point in grid)


def test_a_fit_tells_noise_from_a_function():
    distances, values = random_problem(80)
    noise = normal_scores(np.random.default_rng(1).normal(size=80))
    explained = []
    for given in (values, noise):
        lengths, level = fit(distances[:, :60, :60], given[:60])
        among, across = similarity(distances[:, :60, :60], lengths), similarity(distances[:, 60:, :60], lengths)
        mean, _ = posterior(among, across, given[:60], level)
        explained.append(1 - np.mean((given[60:] - mean) ** 2) / np.var(given[60:]))
    assert explained[0] > 0.7
    assert abs(explained[1]) < 0.2  # and does not make up what is not there


@pytest.mark.parametrize(("mean", "deviation", "best"), [(0.3, 0.5, 0.0), (-1.0, 0.8, 0.5), (2.0, 0.1, 0.0)])
def test_expected_improvement_is_its_integral(mean, deviation, best):
    normal = stats.norm(mean, deviation)
    limits = (best, max(best, mean) + 12 * deviation)
    expected = integrate.quad(lambda f: (f - best) * normal.pdf(f), *limits, points=[max(mean, best)])[0]
    assert expected_improvement(np.array([mean]), np.array([deviation]), best)[0] == pytest.approx(expected, rel=1e-6)


def test_expected_improvement_grows_with_mean_and_with_deviation():
    means, deviations = np.linspace(-2, 2, 9), np.linspace(0.1, 2, 9)
    assert (np.diff(expected_improvement(means, np.full(9, 0.7), 0.5)) > 0).all()
    assert (np.diff(expected_improvement(np.full(9, -0.3), deviations, 0.5)) > 0).all()


# The search ------------------------------------------------------------------------------------------


def truth(architecture):
    """The number of 3x3 convolutions, less the number of decisions that are ``none``; at most 6."""
    return architecture.choices.count(3) - architecture.choices.count(0)


def search(score, trials=40, seed=0, **settings):
    strategy = BayesianOptimization(SPACE, np.random.default_rng(seed), **settings)
    evaluator = lambda cells: [nas.Trial(each, score=score(each)) for each in cells]  # noqa: E731
    return nas.search(strategy, evaluator, trials).run(progress=False)


def test_it_finds_the_best_of_15625_where_decisions_add_up():
    assert [search(truth, seed=seed).incumbent.score for seed in range(4)] == [6] * 4


def test_only_the_order_of_the_scores_matters():
    plain, bent = search(truth), search(lambda each: -np.exp(-3.0 * truth(each)))
    assert [a.architecture for a in plain.trials] == [b.architecture for b in bent.trials]


def test_nothing_is_evaluated_twice_nor_what_computes_the_same():
    found = search(truth, trials=60).trials
    assert len({SPACE.canonical(trial.architecture) for trial in found[10:]} | {0}) == len(found[10:]) + 1


def test_a_small_space_is_seen_as_a_whole_before_anything_comes_again():
    space = nas.SearchSpace("small", [nas.Decision(name, (0, 1, 2, 3)) for name in "ab"])
    strategy = BayesianOptimization(space, np.random.default_rng(0), initial_asks=4)
    evaluator = lambda cells: [nas.Trial(each, score=float(sum(each.choices))) for each in cells]  # noqa: E731
    found = nas.search(strategy, evaluator, 20).run(progress=False)
    assert len({trial.architecture for trial in found.trials[:16]}) == 16


def filled(count=15, pending=0):
    """Return a strategy that was told of some trials, and asks that are outstanding."""
    strategy = BayesianOptimization(SPACE, np.random.default_rng(0), initial_asks=2)
    strategy.initial_asks_left = 0
    for number, architecture in enumerate(SPACE.sample(np.random.default_rng(n)) for n in range(count)):
        strategy.tell(nas.Trial(architecture, score=truth(architecture), number=number))
    return strategy, [strategy.ask() for _ in range(pending)]


def test_an_outstanding_ask_lowers_the_deviation_around_it_and_moves_no_mean():
    strategy, (pending,) = filled(pending=1)
    told = [trial.architecture for trial in strategy.archive.trials]
    values = normal_scores([trial.score for trial in strategy.archive.trials])
    near, far = SPACE.neighbors(pending)[:5], [cell("nnnnnn")]
    mean, deviation = strategy.predict(told, values, near + far)
    believed = np.concatenate([values, strategy.predict(told, values, [pending])[0]])
    new_mean, new_deviation = strategy.predict([*told, pending], believed, near + far)
    np.testing.assert_allclose(new_mean, mean, atol=1e-9)
    assert (new_deviation <= deviation + 1e-12).all()
    assert (deviation - new_deviation)[:5].mean() > 2 * (deviation - new_deviation)[5]


def test_a_batch_knows_of_its_own_asks():
    strategy, _ = filled(pending=5)
    assert strategy.state["pending"] == 4 and strategy.state["observations"] == 15
    alone, _ = filled(pending=1)
    assert len(set(strategy.archive.pending)) == 5
    assert strategy.archive.pending[0] == alone.archive.pending[0]


def test_failed_trials_are_kept_away_from():
    """A third of all cells fails: those whose first edge is a pooling or a skip. The model must notice."""
    strategy = BayesianOptimization(SPACE, np.random.default_rng(0))

    def evaluate(cells):
        return [
            nas.Trial(each, failure="no") if each.choices[0] in (1, 4) else nas.Trial(each, score=truth(each))
            for each in cells
        ]

    found = nas.search(strategy, evaluate, 50).run(progress=False).trials
    assert sum(trial.failure is not None for trial in found[20:]) <= 3  # at random: 12 of 30


def test_the_state_shows_the_candidates():
    strategy, (*pending, architecture) = filled(pending=3)
    state = strategy.state
    assert len(state["candidates"]) == len(state["mean"]) == len(state["deviation"]) == len(state["acquisition"])
    assert 10 <= len(state["candidates"]) <= 11
    assert state["candidates"][state["chosen"]] == list(architecture.choices)
    assert state["acquisition"][:10] == sorted(state["acquisition"][:10], reverse=True)
    again = expected_improvement(np.array(state["mean"]), np.array(state["deviation"]), state["best"])
    np.testing.assert_allclose(state["acquisition"], again)
    told = [trial.architecture for trial in strategy.archive.trials]
    values = normal_scores([trial.score for trial in strategy.archive.trials])
    assert state["best"] == pytest.approx(values.max())
    values = np.concatenate([values, strategy.predict(told, values, pending)[0]])
    shown = [SPACE.architecture(choices) for choices in state["candidates"]]
    found = strategy.predict(told + pending, values, shown)
    np.testing.assert_allclose(found, [state["mean"], state["deviation"]], atol=1e-9)
    assert set(state["length_scales"]) == {"decisions", "paths"}


def test_candidates_are_new_and_half_of_them_neighbours_of_the_best():
    archive = Archive(SPACE, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for number, architecture in enumerate(SPACE.sample(rng) for _ in range(30)):
        archive.tell(nas.Trial(architecture, score=truth(architecture), number=number))
    best = sorted(archive.trials, key=lambda trial: trial.score, reverse=True)[:3]
    near = {each for trial in best for each in SPACE.neighbors(trial.architecture)}
    found = archive.candidates(100, parents=3)
    assert not set(found) & {trial.architecture for trial in archive.trials}
    assert len(found) == len(set(found))
    assert set(found[:20]) <= near
    assert len(set(found) & near) < 60


def test_a_trial_that_is_told_is_not_outstanding():
    strategy, asked = filled(pending=3)
    strategy.tell(nas.Trial(asked[1], score=0.0))
    assert strategy.archive.pending == [asked[0], asked[2]]
    strategy.tell(dataclasses.replace(nas.Trial(asked[1], score=0.0), number=7))  # told again: it was not asked again
    assert strategy.archive.pending == [asked[0], asked[2]]


def test_it_is_ahead_of_random_search_on_real_trainings():
    """Eight searches of 60 trials, against the exact mean of the best of 60 random cells; 0.8 to 1 point ahead."""
    table = nas.tables.load("nasbench201-mnist1d")
    best = []
    for seed in range(8):
        strategy = BayesianOptimization(table.space, np.random.default_rng(seed))
        best.append(nas.search(strategy, table, 60).run(progress=False).incumbent.accuracy)
    assert np.mean(best) > nas.analysis.expected_best(table.accuracies(), 60) + 0.005


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial_asks": 1}, "^initial_asks must be at least 2; got 1"),
        ({"candidates": 1}, "^candidates must be at least 2; got 1"),
        ({"parents": 0}, "^parents must be at least 1; got 0"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        BayesianOptimization(SPACE, np.random.default_rng(0), **arguments)
