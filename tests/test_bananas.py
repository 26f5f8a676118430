"""BANANAS: its networks against differences and a known function, and what a search does with them."""

import numpy as np
import pytest
from scipy import optimize, stats

import nasedu as nas
from nasedu.spaces import NASBench201
from nasedu.strategies import Bananas
from nasedu.strategies.archive import normal_scores
from nasedu.strategies.ensemble import forward, gradient

SPACE = NASBench201()


def truth(architecture):
    """The number of 3x3 convolutions, less the number of decisions that are ``none``; at most 6."""
    return architecture.choices.count(3) - architecture.choices.count(0)


def told(count, seed=0, **settings):
    """Return a strategy that was told of random cells and will ask its ensemble."""
    strategy = Bananas(SPACE, np.random.default_rng(seed), **settings)
    strategy.initial_asks_left = 0
    rng = np.random.default_rng(1)
    for number in range(count):
        architecture = SPACE.sample(rng)
        strategy.tell(nas.Trial(architecture, score=truth(architecture), number=number))
    return strategy


def test_the_gradient_is_that_of_differences():
    rng = np.random.default_rng(0)
    shapes = [(3, 4, 5), (3, 1, 5), (3, 5, 5), (3, 1, 5), (3, 5, 1), (3, 1, 1)]
    weights = [rng.normal(size=shape) for shape in shapes]
    rows, values = rng.normal(size=(3, 7, 4)), rng.normal(size=(3, 7, 1))
    flat = np.concatenate([each.ravel() for each in weights])

    def loss(flat):
        parts = np.split(flat, np.cumsum([np.prod(shape) for shape in shapes])[:-1])
        remade = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        return ((forward(remade, rows)[-1] - values) ** 2).mean(axis=(1, 2)).sum()  # the sum over members

    expected = optimize.approx_fprime(flat, loss, 1e-6)
    found = np.concatenate([each.ravel() for each in gradient(weights, rows, values)])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_members_learn_nothing_from_each_other():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(2, *shape)) for shape in ((4, 5), (1, 5), (5, 5), (1, 5), (5, 1), (1, 1))]
    rows, values = rng.normal(size=(2, 7, 4)), rng.normal(size=(2, 7, 1))
    before = gradient(weights, rows, values)
    values[1] += 10
    after = gradient(weights, rows, values)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old[0], new[0])
        assert (old[1] != new[1]).any()


def test_the_ensemble_predicts_cells_that_it_has_not_seen():
    strategy = told(100)
    loss = strategy.fit()
    rng = np.random.default_rng(2)
    unseen = [SPACE.sample(rng) for _ in range(300)]
    predictions = strategy.predict(unseen)
    assert predictions.shape == (5, 300)
    assert loss < 0.1
    truths = [truth(each) for each in unseen]
    each = [stats.spearmanr(one, truths).statistic for one in predictions]
    together = stats.spearmanr(predictions.mean(axis=0), truths).statistic
    assert together > 0.85
    assert together > np.mean(each)  # the mean of several is better than one


def test_members_agree_where_there_are_trials():
    strategy = told(60)
    strategy.fit()
    seen = [trial.architecture for trial in strategy.archive.trials]
    rng = np.random.default_rng(3)
    unseen = [SPACE.sample(rng) for _ in range(200)]
    assert strategy.predict(seen).std(axis=0).mean() < 0.5 * strategy.predict(unseen).std(axis=0).mean()


def test_the_loss_is_what_the_predictions_of_the_trials_leave():
    strategy = told(40)
    loss = strategy.fit()
    values = normal_scores([trial.score for trial in strategy.archive.trials])
    predictions = strategy.predict([trial.architecture for trial in strategy.archive.trials])
    assert loss == pytest.approx(((predictions - values) ** 2).mean())


def test_the_ensemble_is_trained_anew_after_ten_tells():
    strategy, losses = told(12), []
    for number in range(25):
        architecture = strategy.ask()
        losses.append("loss" in strategy.state)
        strategy.tell(nas.Trial(architecture, score=truth(architecture), number=12 + number))
    assert [number for number, trained in enumerate(losses) if trained] == [0, 10, 20]
    assert strategy.fitted == 32


def test_guesses_are_drawn_anew_for_each_ask():
    """The ensemble stays the same, but what is asked differs from ask to ask, also without a tell between."""
    strategy = told(30)
    asked = [strategy.ask() for _ in range(20)]
    assert len({SPACE.canonical(each) for each in asked}) == 20
    assert strategy.fitted == 30
    state = strategy.state
    z = (np.array(state["acquisition"]) - state["mean"]) / state["deviation"]
    assert (z > -2).all() and z.std() > 0.1  # each candidate has its own draw; the shown ones are the luckiest of 200
    assert state["candidates"][state["chosen"]] == list(asked[-1].choices)


def test_guesses_are_normal_with_the_ensembles_mean_and_deviation():
    strategy = told(30)
    strategy.fit()
    before = strategy.rng.bit_generator.state
    candidates = strategy.archive.candidates(200, 10)
    predictions = strategy.predict(candidates)
    guesses = strategy.rng.normal(predictions.mean(axis=0), predictions.std(axis=0))
    strategy.rng.bit_generator.state = before
    assert strategy.ask() == candidates[int(guesses.argmax())]
    shown = [candidates.index(SPACE.architecture(choices)) for choices in strategy.state["candidates"]]
    assert shown[:10] == np.argsort(-guesses)[:10].tolist()
    np.testing.assert_allclose(strategy.state["acquisition"], guesses[shown])
    np.testing.assert_allclose(strategy.state["mean"], predictions.mean(axis=0)[shown])
    np.testing.assert_allclose(strategy.state["deviation"], predictions.std(axis=0)[shown])


def test_it_finds_the_best_of_15625_where_decisions_add_up():
    def evaluate(cells):
        return [nas.Trial(each, score=truth(each)) for each in cells]

    best = [
        nas.search(Bananas(SPACE, np.random.default_rng(seed)), evaluate, 60).run(progress=False).incumbent.score
        for seed in range(3)
    ]
    assert best == [6, 6, 6]


def test_only_what_the_trials_have_is_read():
    strategy = told(5)
    strategy.fit()
    seen = {name for trial in strategy.archive.trials for name in strategy.encoder.names(trial.architecture)}
    rng = np.random.default_rng(4)
    assert strategy.predict([SPACE.sample(rng) for _ in range(50)]).shape == (5, 50)
    assert set(strategy.encoder.columns) == seen
    assert strategy.weights[0].shape[1] == len(seen)


def test_it_is_ahead_of_random_search_on_real_trainings():
    """Eight searches of 60 trials, against the exact mean of the best of 60 random cells; 0.8 to 1 point ahead."""
    table = nas.tables.load("nasbench201-mnist1d")
    best = []
    for seed in range(8):
        strategy = Bananas(table.space, np.random.default_rng(seed))
        best.append(nas.search(strategy, table, 60).run(progress=False).incumbent.accuracy)
    assert np.mean(best) > nas.analysis.expected_best(table.accuracies(), 60) + 0.005


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"members": 1}, "^members must be at least 2; got 1"),
        ({"initial_asks": 1}, "^initial_asks must be at least 2; got 1"),
        ({"tells_per_fit": 0}, "^tells_per_fit must be at least 1; got 0"),
        ({"learning_rate": 0.0}, "^learning_rate must be above 0; got 0.0"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Bananas(SPACE, np.random.default_rng(0), **arguments)
