"""What searches found, as numbers: histories and races in, arrays and frames out. ``nasedu.plots`` draws them.

How different are the architectures of a search?    distance, distances, diversity, diversity_over_time
What does the best of n promise, and keep?          expected_best, expected_maximum
Which compromises are the best, and how good?       front, hypervolume, hypervolume_curve
Does an estimate keep the order?                    rank_correlation
What had each strategy of a race found, and when?   curves, band, regret, outcomes
Who is better, and how sure are we?                 compare, holm, critical_difference

Importing this loads no scipy; the functions that need it do.
"""

from nasedu.analysis.diversity import distance, distances, diversity, diversity_over_time
from nasedu.analysis.order_statistics import expected_best, expected_maximum
from nasedu.analysis.pareto import front, hypervolume, hypervolume_curve
from nasedu.analysis.rank_correlation import RankCorrelation, rank_correlation
from nasedu.analysis.regret import band, curves, outcomes, regret
from nasedu.analysis.significance import CriticalDifference, compare, critical_difference, holm

__all__ = [
    "CriticalDifference",
    "RankCorrelation",
    "band",
    "compare",
    "critical_difference",
    "curves",
    "distance",
    "distances",
    "diversity",
    "diversity_over_time",
    "expected_best",
    "expected_maximum",
    "front",
    "holm",
    "hypervolume",
    "hypervolume_curve",
    "outcomes",
    "rank_correlation",
    "regret",
]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
