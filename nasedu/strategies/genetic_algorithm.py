"""Genetic algorithm: generations of children that mix two good parents and change a little.

Holland, "Adaptation in Natural and Artificial Systems", 1975, has one-point crossover; on network architectures, with
fixed-length codes and generations as here: Xie & Yuille, "Genetic CNN", ICCV 2017, arXiv:1703.01513, Section 3.2.

Selection makes the good ones parents more often, crossover puts the beginning of one parent's code before the end of
another's, mutation keeps every option reachable, and elitism makes sure that the best of a generation is never worse
than the best of the last. Crossover pays where decisions that belong together lie next to each other in the code.

    ask:   the first N times: a random architecture; then
           a, b  = winners of two tournaments of k members of the last complete generation
           child = the space's crossover: a's decisions before a random cut, b's after it
           mutate the child with probability m per decision, and begin again if it is invalid or was asked for before
           (``breeding.py``)
    tell:  collect the trial; when there are N − E of them (N at first), they and the E best of the last
           generation are the next one

Elites carry their trial along, so they cost nothing.

Symbols (no canonical values; these are ours):
    N  population_size   members of a generation               20
    k  sample_size       members of a tournament                3
    m  mutation_rate     chance of each decision to change     1 / number of decisions
    E  elites            members taken over as they are         N/4

What differs from the textbook and from Genetic CNN:
    * ask and tell are separate. A child that returns late counts for the generation then being collected, and asks
      beyond a generation's end have the last complete one as parents.
    * Parents are drawn by tournament, not in proportion to fitness (Genetic CNN's roulette), so only the order of
      scores matters. A failed trial has score −∞ and hardly ever wins.
    * Crossover has one cut. Genetic CNN's exchanges whole stages of two parents, each with a small probability.
"""

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.breeding import Breeder

__all__ = ["GeneticAlgorithm"]


class GeneticAlgorithm(Breeder):
    """Tournament selection, one-point crossover, mutation, elitism.

    Args:
        space: where to sample, and whose decisions are the code.
        rng: the only source of randomness.
        population_size: N, members of a generation, at least 2; ours.
        sample_size: k, members of a tournament, between 1 and N; ours. Larger is greedier; 1 ignores the scores.
        mutation_rate: m, the chance of each decision to change, in [0, 1]; None for one decision on average.
        elites: E, members taken over as they are, between 0 and N − 1; None for a quarter of N, rounded down.

    Attributes:
        generation: how many generations are complete.
        population: the trials of the last complete generation, elites first; empty before the first.
        children: the trials of the next one so far.

    State:
        ask: ``generation``, ``parents`` (numbers of the two tournaments' winners, none for a random ask), ``cut``
            (before which decision the second parent's begin, None where no single cut gives the child), ``mutated``
            (indices of the decisions that were changed after it), ``elite`` (numbers of the members that stay).
        tell: ``entered``, the trial's number; of a generation's last trial also ``population``, its members' numbers.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        population_size: int = 20,
        sample_size: int = 3,
        mutation_rate: float | None = None,
        elites: int | None = None,
    ) -> None:
        super().__init__(space, rng, population_size, mutation_rate)
        if not 1 <= sample_size <= population_size:
            raise ValueError(f"sample_size must lie in 1..population_size={population_size}; got {sample_size}.")
        elite_size = population_size // 4 if elites is None else elites
        if not 0 <= elite_size < population_size:
            raise ValueError(f"elites must lie in 0..{population_size - 1}, or no child ever enters; got {elites}.")
        self.sample_size, self.elites = sample_size, elite_size

    def tell(self, trial: Trial) -> None:
        """Collect the trial; the last one of a generation completes it."""
        self.state = {"entered": trial.number}
        self.asked.add(trial.architecture)
        self.children.append(trial)
        elite = self._elite()
        if len(elite) + len(self.children) >= self.population_size:
            self.population, self.children = elite + self.children, []
            self.generation += 1
            self.state["population"] = [member.number for member in self.population]

    def _elite(self) -> list[Trial]:
        return sorted(self.population, key=lambda trial: trial.score, reverse=True)[: self.elites]

    def founder(self) -> Architecture:
        """Return a random architecture, and set the state."""
        founder = super().founder()
        self.state |= {"cut": None, "mutated": [], "elite": []}
        return founder

    def child(self) -> Architecture | None:
        """Return a mutated child of two tournaments' winners, and set the state; None if it is invalid."""
        first, second = self._winner(), self._winner()
        crossed = self.space.crossover(first.architecture, second.architecture, self.rng).choices
        choices = self.mutated(crossed)
        parts = zip(choices, crossed, self.space.active(choices), strict=True)
        self.state = {
            "generation": self.generation,
            "parents": [first.number, second.number],
            "cut": self._cut(first.architecture.choices, second.architecture.choices, crossed),
            "mutated": [index for index, (new, old, on) in enumerate(parts) if on and new != old],
            "elite": [trial.number for trial in self._elite()],
        }
        return self.space.architecture(choices) if self.space.is_valid(choices) else None

    def _cut(self, first: tuple[int, ...], second: tuple[int, ...], crossed: tuple[int, ...]) -> int | None:
        """Return the first cut that gives this child: after all decisions if it is the first parent, None if no cut."""
        cuts = range(1, len(crossed) + 1)
        return next((cut for cut in cuts if self.space.crossed(first, second, cut) == crossed), None)

    def _winner(self) -> Trial:
        draws: list[int] = self.rng.integers(len(self.population), size=self.sample_size).tolist()
        return max((self.population[index] for index in draws), key=lambda trial: trial.score)
