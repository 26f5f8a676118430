"""What the genetic algorithms share: children that were not asked for before, and mutation of categorical decisions.

    ask:     while there is no population: a random architecture; then a child of it
             begin again if the child is invalid or was asked for before
    mutate:  each decision that is active changes with probability m, to any of its other options;
             one that becomes active is drawn, each of its options equally likely

Nothing is evaluated twice, as long as something new is found within 100 attempts.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_share, check_space_and_rng

__all__ = ["Breeder"]

ATTEMPTS = 100


class Breeder(ABC):
    """A strategy whose asks are children of a population; a subclass makes them, and says who is in it.

    Attributes:
        generation: how many generations are complete.
        population: the trials that are parents now; empty before the first generation.
        children: the trials of the next one so far.
        asked: every architecture that was asked for or told.
    """

    def __init__(
        self, space: SearchSpace, rng: np.random.Generator, population_size: int, mutation_rate: float | None
    ) -> None:
        check_space_and_rng(space, rng)
        if not isinstance(population_size, int | np.integer) or population_size < 2:
            raise ValueError(f"population_size must be a whole number, at least 2; got {population_size!r}.")
        self.space = space
        self.rng = rng
        self.population_size = population_size
        self.mutation_rate = 1 / len(space.decisions) if mutation_rate is None else mutation_rate
        check_share(mutation_rate=self.mutation_rate)
        self.generation = 0
        self.population: list[Trial] = []
        self.children: list[Trial] = []
        self.asked: set[Architecture] = set()
        self.state: dict[str, Any] = {}

    @abstractmethod
    def child(self) -> Architecture | None:
        """Return a child of the population, and set the state; None if it is no valid architecture."""

    def founder(self) -> Architecture:
        """Return a random architecture, and set the state."""
        self.state = {"generation": self.generation, "parents": []}
        return self.space.sample(self.rng)

    def ask(self) -> Architecture:
        """Propose a child that was not asked for before."""
        for _ in range(ATTEMPTS):
            child = self.child() if self.population else self.founder()
            if child is not None and child not in self.asked:
                break
        if child is None:  # no attempt was valid
            child = self.founder()
        self.asked.add(child)
        return child

    def mutated(self, choices: tuple[int, ...]) -> tuple[int, ...]:
        """Return the choices after mutation, valid or not."""
        mutated = list(choices)
        before = active = self.space.active(choices)  # what is active depends on earlier decisions only
        for index, decision in enumerate(self.space.decisions):
            count = len(decision.options)
            if not active[index] or count == 1:
                continue
            if not before[index]:
                mutated[index] = int(self.rng.integers(count))
            elif self.rng.random() < self.mutation_rate:
                mutated[index] = (choices[index] + 1 + int(self.rng.integers(count - 1))) % count
            else:
                continue
            active = self.space.active(tuple(mutated))
        return self.space.pin(tuple(mutated))
