"""Genetic programming: the genetic algorithm on graphs that exchange sub-graphs finds a known program."""

from collections import Counter

import numpy as np

import nasedu as nas
from nasedu.spaces.graphs import Graphs
from nasedu.strategies import GeneticAlgorithm, RandomSearch

SPACE = Graphs(max_nodes=8)
TARGET = SPACE.parse(
    "conv_3x3(0); conv_1x1(0); avg_pool_3x3(1,2); conv_3x3(3); skip_connect(0,4); max_pool_3x3(5); conv_1x1(5)"
)


def programs(cell):
    """Return what each node computes, written out down to the input, whatever the nodes' numbers."""
    texts = ["x"]
    for operation, sources in cell.space.genes(cell.choices):
        texts.append(f"{operation}({'+'.join(sorted(texts[source] for source in sources))})")
    return Counter(texts[1:])


def likeness(cell, wanted=programs(TARGET)):  # noqa: B008
    """Return which part of the nodes of both cells computes what a node of the other does, in [0, 1]."""
    found = programs(cell)
    return 2 * (found & wanted).total() / (found.total() + wanted.total())


def best(strategy, seed, trials=400):
    def evaluate(architectures):
        return [nas.Trial(each, score=likeness(each)) for each in architectures]

    return (
        nas.search(strategy(SPACE, np.random.default_rng(seed)), evaluate, trials).run(progress=False).incumbent.score
    )


def test_likeness_is_1_for_the_target_however_it_is_numbered():
    assert likeness(TARGET) == 1 > likeness(SPACE.parse("conv_3x3(0)"))


def test_it_finds_far_more_of_the_target_than_random_search():
    """400 trials, 20 seeds each: half of the searches find more than the best of all random ones."""
    strategies = GeneticAlgorithm, RandomSearch
    ours, theirs = (np.array([best(strategy, seed) for seed in range(20)]) for strategy in strategies)
    assert np.median(ours) > theirs.max()
    assert (ours > theirs).mean() >= 0.9
