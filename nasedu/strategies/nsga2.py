"""NSGA-II: a genetic algorithm that keeps a whole front of compromises instead of one best.

Deb, Pratap, Agarwal & Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Transactions on
Evolutionary Computation 6 (2002), Section III; on networks: Lu et al., "NSGA-Net", arXiv:1810.03522.

Accuracy pulls one way, size and speed the other, and nobody knows the price of a percent beforehand. So nothing is
added up. A member is better if it lies on an earlier front; within a front, if it is less crowded, so that the
population spreads along the whole front (``objectives.py`` has both). Parents and children compete for the places of
the next generation, so that nothing good is ever lost.

    ask:   the first N times: a random architecture; then
           a, b  = winners of two tournaments of 2 members: the lower rank wins, then the larger crowding
           child = the space's crossover of a and b with probability c, else a
           mutate the child with probability m per decision, and begin again if it is invalid or was asked for before
           (``breeding.py``)
    tell:  collect the trial; after N of them
           rank population and children together, front by front, and compute the crowding in each front
           the N best by rank, then crowding, are the next population

Symbols (the paper's values, for real-valued or binary codes, and ours):
    N  population_size   members, and trials in a generation   100                20
    c  crossover_rate    chance of a second parent             0.9                0.9
    m  mutation_rate     chance of each decision to change     1 / their number   1 / their number

What differs from the paper:
    * ask and tell are separate: a trial that returns late counts for the generation then being collected.
    * Any number of objectives; with one it is a genetic algorithm in which parents and children compete.
    * Crossover and mutation are those of categorical decisions, and nothing is evaluated twice.
    * Of trials that are equal in all objectives, as cells of one function are in a table, only the oldest can be a
      member: a second one adds nothing to a front, and there may then be fewer than N.
    * A trial that failed, or in which an objective is not known, counts for its generation but never enters.
      As long as there is no population, asks are random.

The search's incumbent stays the trial with the highest *score*. What this strategy looks for is the front of
its trials: ``nas.analysis.front(history.trials, objectives)``.
"""

from collections.abc import Sequence

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.objectives import check_objectives, crowding, gains, ranks
from nasedu.strategies.arguments import check_share
from nasedu.strategies.breeding import Breeder

__all__ = ["NSGA2"]


class NSGA2(Breeder):
    """Non-dominated sorting, crowding, and elitism by competition of parents and children.

    Args:
        space: where to sample, and whose decisions are the code.
        rng: the only source of randomness.
        objectives: names of what trials have: ``"score"``, ``"accuracy"`` or metrics, such as ``("accuracy",
            "parameters")``; each metric knows its better direction. By default the score alone.
        population_size: N, members, and trials in a generation, at least 2; ours.
        crossover_rate: c, the chance of a second parent, in [0, 1]; the paper's.
        mutation_rate: m, the chance of each decision to change, in [0, 1]; None for one on average, the paper's.

    Attributes:
        generation: how many generations are complete.
        population: the trials that are parents now, the best first; empty before the first generation.
        ranks, crowding: of each of them, when it was chosen; 0 is the Pareto front.

    State:
        ask: ``generation``, ``parents`` (numbers of trials; one without crossover, none for a random ask).
        tell: ``entered``, the trial's number; of a generation's last trial also ``population``, ``ranks`` and
            ``crowding`` (None at the ends of a front), the best first.

    Raises:
        ValueError: an argument is out of its range; in ``tell``, a trial lacks an objective.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        objectives: Sequence[str] = ("score",),
        population_size: int = 20,
        crossover_rate: float = 0.9,
        mutation_rate: float | None = None,
    ) -> None:
        check_objectives(objectives)
        super().__init__(space, rng, population_size, mutation_rate)
        check_share(crossover_rate=crossover_rate)
        self.objectives, self.crossover_rate = tuple(objectives), crossover_rate
        self.told = 0  # trials of the generation that is being collected
        self.ranks: list[int] = []
        self.crowding: list[float] = []

    def tell(self, trial: Trial) -> None:
        """Collect the trial; the last one of a generation chooses the next population."""
        self.state = {"entered": trial.number}
        self.asked.add(trial.architecture)
        self.told += 1
        if np.isfinite(gains([trial], self.objectives)).all():
            self.children.append(trial)
        if self.told == self.population_size:
            self._select([*self.population, *self.children])
            self.children, self.told = [], 0
            self.generation += 1

    def _select(self, pool: list[Trial]) -> None:
        """Let the best of the pool by rank, then crowding, be the population."""
        gained, first = np.unique(gains(pool, self.objectives), axis=0, return_index=True)
        rank, distance = ranks(gained), np.zeros(len(gained))
        for each in set(rank.tolist()):
            distance[rank == each] = crowding(gained[rank == each])
        best = np.lexsort([first, -distance, rank])[: self.population_size]  # of equally crowded ones the older
        self.population = [pool[index] for index in first[best]]
        self.ranks, self.crowding = rank[best].tolist(), distance[best].tolist()
        self.state["population"] = [member.number for member in self.population]
        self.state["ranks"] = self.ranks
        self.state["crowding"] = [each if np.isfinite(each) else None for each in self.crowding]

    def child(self) -> Architecture | None:
        """Return a mutated child of one or two tournaments' winners, and set the state; None if it is invalid."""
        parents = [self._winner() for _ in range(2 if self.rng.random() < self.crossover_rate else 1)]
        child = parents[0].architecture
        if len(parents) == 2:
            child = self.space.crossover(child, parents[1].architecture, self.rng)
        choices = self.mutated(child.choices)
        self.state = {"generation": self.generation, "parents": [parent.number for parent in parents]}
        return self.space.architecture(choices) if self.space.is_valid(choices) else None

    def _winner(self) -> Trial:
        draws = self.rng.integers(len(self.population), size=2).tolist()
        return self.population[min(draws, key=lambda index: (self.ranks[index], -self.crowding[index]))]
