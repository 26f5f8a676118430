"""Analysis: against brute force, against scipy, and against numbers that were published."""

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from nasedu import analysis

# The best of n ---------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[0.3, 0.1, 0.9, 0.5], [0.2, 0.7, 0.7, 0.1], [0.4, 0.4, 0.4]])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_expected_best_is_the_mean_over_all_draws(values, n):
    judged = np.arange(len(values)) ** 2.0
    worth = []
    for draw in itertools.product(range(len(values)), repeat=n):
        best = max(draw, key=lambda index: values[index])  # the first on a tie, as an incumbent is
        worth.append(judged[best])
    assert analysis.expected_best(values, n, judged) == pytest.approx(np.mean(worth))


def test_the_expected_best_takes_many_numbers_of_draws_at_once():
    values = np.random.default_rng(0).random(50)
    one_by_one = [[float(analysis.expected_best(values, n)) for n in row] for row in ([1, 2, 5], [10, 100, 10_000])]
    np.testing.assert_allclose(analysis.expected_best(values, [[1, 2, 5], [10, 100, 10_000]]), one_by_one)
    assert one_by_one[0][0] == pytest.approx(values.mean())
    assert one_by_one[1][2] == pytest.approx(values.max())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 1), "at least 1; got shapes"),
        (([0.1, 0.2], 1, [0.1]), r"same length.*\(2,\), \(1,\)"),
        (([0.1, np.nan], 1), "must be numbers; got nan"),
        (([0.1, 0.2], 0), "n must be at least 1; got 0.0"),
    ],
)
def test_what_has_no_expected_best_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        analysis.expected_best(*arguments)


@pytest.mark.parametrize("n", [1, 2, 7, 200, 15_625])
def test_the_expected_maximum_is_the_integral(n):
    def weight(x):
        return n * x * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1)

    assert analysis.expected_maximum(n) == pytest.approx(integrate.quad(weight, -10, 10, limit=200)[0], abs=1e-8)


def test_the_expected_maximum_of_two_and_three_is_known_exactly():
    np.testing.assert_allclose(
        analysis.expected_maximum([2, 3]), [1 / np.sqrt(np.pi), 1.5 / np.sqrt(np.pi)], atol=1e-12
    )
