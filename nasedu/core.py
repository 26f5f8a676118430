"""The nouns of neural architecture search: decision, search space, architecture, trial.

A *search strategy* proposes an architecture from a *search space*, an *evaluator*
estimates its performance, and the strategy learns from the answer: the three parts of
Elsken, Metzen & Hutter, "Neural Architecture Search: A Survey", arXiv:1808.05377, Fig. 1.

An architecture is a sequence of categorical decisions. That one idea is what lets every
strategy run on every space: a controller emits one token per decision, Q-learning's state
is a prefix of decisions, evolution changes one decision, DARTS keeps one softmax per decision.

This file needs numpy alone; the loop that joins the nouns is in ``loop.py``.
"""

from __future__ import annotations

import itertools
import json
import math
import operator
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    import networkx

__all__ = [
    "NOTHING",
    "Architecture",
    "Decision",
    "Diagram",
    "Edge",
    "Evaluator",
    "Metric",
    "Node",
    "Proposal",
    "SearchSpace",
    "Strategy",
    "Trial",
    "check_architectures",
    "check_by",
    "check_flag",
    "check_list",
    "check_number",
    "check_rng",
    "check_space",
    "check_text",
    "check_whole",
    "draw_below",
    "has_test",
    "shown",
]

Option = str | int | float | bool
Item = TypeVar("Item")
ARCHITECTURE_FORMAT = "nasedu.architecture"
FORMAT_VERSION = 1
NOTHING = ("none", "zero", "zeroize")  # operations over which no signal passes, as benchmarks spell them
MAX_REDRAWS = 10_000
REDRAWS_BEFORE_LISTING = 100
MAX_NEIGHBORS = 100_000
MAX_LISTED, MAX_COUNTED = 10_000_000, 1_000_000
MAX_TEXT, MAX_SHOWN = 100_000, 100
HOW_TO_PARSE = "space.parse(text) makes an architecture of a string."


@dataclass(frozen=True, slots=True)
class Decision:
    """One categorical choice.

    Args:
        name: unique within its space, such as ``"edge 0→1"``; without ``,`` and ``=``.
        options: what may be chosen; at least one, all different, each a string or a finite number.

    Raises:
        ValueError: there are no options, two look the same, one is neither string nor number, or the name is unusable.
    """

    name: str
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        if "," in self.name or "=" in self.name:
            raise ValueError(f"a decision's name must have no ',' and no '='; got {self.name!r}.")
        if isinstance(self.options, str):
            raise ValueError(
                f"the options of {self.name!r} must be a tuple, such as ('a', 'b'); got {shown(self.options)}."
            )
        options = tuple(option.item() if isinstance(option, np.generic) else option for option in self.options)
        object.__setattr__(self, "options", options)
        if not options:
            raise ValueError(f"decision {self.name!r} must have at least one option; got none.")
        for option in options:
            if not isinstance(option, Option) or (isinstance(option, float) and not math.isfinite(option)):
                raise ValueError(
                    f"the options of {self.name!r} must be strings or finite numbers; got {shown(option)}."
                )
        if min(len(set(options)), len({str(option).strip() for option in options})) < len(options):
            raise ValueError(f"decision {self.name!r} must have different options; got {shown(options)}.")


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a diagram.

    Attributes:
        id: unique within the diagram.
        x: position along the data flow, growing from input to output; 1 is one step.
        y: position across the data flow, growing downwards; the same unit as x.
        label: the text inside or beside the node.
        kind: ``"input"``, ``"node"``, ``"operation"`` (the node itself computes) or ``"output"``.
        group: which cell it belongs to, where a diagram shows several.
        decision: index of the decision that chose what the node computes, or None.
    """

    id: str
    x: float
    y: float
    label: str
    kind: str = "node"
    group: str = ""
    decision: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a diagram.

    Attributes:
        source, target: node ids.
        operation: what happens on the way; empty if the edge only carries data.
        decision: index of the decision that chose the operation, or None.
        bend: how far the middle of the edge is moved to the left of its direction of
            travel (in the unit of ``Node.x``), so that edges can pass around nodes.
    """

    source: str
    target: str
    operation: str = ""
    decision: int | None = None
    bend: float = 0.0


@dataclass(frozen=True, slots=True)
class Diagram:
    """What an architecture looks like: nodes with coordinates, edges with operations."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the diagram as plain data; fields at their defaults are left out."""
        return {
            "nodes": [_changed_fields(node, Node("", 0, 0, "")) for node in self.nodes],
            "edges": [_changed_fields(edge, Edge("", "")) for edge in self.edges],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Diagram:
        """Rebuild a diagram from :meth:`to_json`'s result."""
        return cls(
            tuple(Node(**node) for node in document["nodes"]),
            tuple(Edge(**edge) for edge in document["edges"]),
        )


def _changed_fields(value: Node | Edge, default: Node | Edge) -> dict[str, Any]:
    always = {"id", "x", "y", "label", "source", "target"}
    names = [name for name in value.__slots__ if name in always or getattr(value, name) != getattr(default, name)]
    return {name: getattr(value, name) for name in names}


class SearchSpace:
    """An ordered list of decisions, and which combinations of them are architectures.

    Usable as it is (every combination is valid, drawn as a chain of decisions), or
    subclassed: override :meth:`active`, :meth:`is_valid`, :meth:`alternatives`, :meth:`format`/:meth:`parse`/
    :meth:`pieces`, :meth:`diagram` and :meth:`canonical` as far as the space needs them. A space that has a method
    ``network(self, architecture, input_shape, classes, **options)`` is trained by it, see
    :func:`nasedu.networks.build`.

    Args:
        name: how files and the command line call the space.
        decisions: at least one.
        parameters: what the space was made with; JSON values, so that a file can remake it.

    A space is frozen once this ``__init__`` is done: a subclass sets its own attributes before it.

    Raises:
        ValueError: there are no decisions, two have the same name, or a parameter is no JSON value.
        TypeError: a decision is no :class:`Decision`.

    Example:
        >>> space = SearchSpace("toy", [Decision("width", (8, 16)), Decision("kernel", (1, 3, 5))])
        >>> space.size
        6
        >>> str(space.architecture((1, 2)))
        'width=16,kernel=5'
    """

    name: str
    decisions: tuple[Decision, ...]
    parameters: Mapping[str, Any]

    def __init__(self, name: str, decisions: Sequence[Decision], parameters: Mapping[str, Any] | None = None) -> None:
        decisions = (decisions,) if isinstance(decisions, Decision) else tuple(decisions)
        if not all(isinstance(decision, Decision) for decision in decisions):
            raise TypeError(
                f"the decisions of search space {name!r} must be a list such as [nas.Decision('width', (8, 16))]; "
                f"got {decisions!r}."
            )
        if not decisions:
            raise ValueError(f"search space {name!r} is empty: it must have at least one decision; got none.")
        names = [decision.name for decision in decisions]
        if len(set(names)) < len(names):
            raise ValueError(f"the decisions of search space {name!r} must have different names; got {shown(names)}.")
        try:
            own = json.loads(json.dumps(dict(parameters or {}), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise ValueError(f"the parameters of search space {name!r} must be JSON values: {error}.") from error
        self.name = name
        self.decisions = decisions
        self.parameters = MappingProxyType(own)
        self._counts = tuple(len(decision.options) for decision in decisions)
        self._count_array = np.array(self._counts)  # for rng.integers
        self._always_active = (True,) * len(decisions)
        self._ends = tuple(itertools.accumulate(count - 1 for count in self._counts))
        self._is_plain = _is_inherited(self, "active") and _is_inherited(self, "is_valid")
        self._changes_freely = self._is_plain and _is_inherited(self, "alternatives")
        self._key = (name, json.dumps(own, sort_keys=True), decisions)  # the last: from here on the space is frozen

    def __setattr__(self, name: str, value: object) -> None:
        if "_key" in self.__dict__:
            raise AttributeError(
                f"a search space cannot be changed (tried to set {name!r}); make a new one. "
                "A subclass sets its attributes before it calls super().__init__()."
            )
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # else every attribute would be of type Any

        def __getattr__(self, name: str) -> Any:
            if "_key" not in self.__dict__:
                raise AttributeError(
                    f"{type(self).__name__} has no {name!r} yet: "
                    "its __init__ must call super().__init__(name, decisions)."
                )
            return object.__getattribute__(self, name)  # raises what it raised before

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a search space cannot be changed (tried to delete {name!r}); make a new one.")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "parameters": dict(self.parameters)}  # for copies and for sending to other processes

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, parameters=MappingProxyType(state["parameters"]))

    def __eq__(self, other: object) -> bool:
        """Equal when name, parameters and decisions are, whatever the class."""
        return isinstance(other, SearchSpace) and (self is other or self._key == other._key)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        if type(self) is SearchSpace:
            count, made_with = len(self.decisions), f" ({arguments})" if arguments else ""
            size, plural = _rounded(self.size), "s"[: count > 1]
            return f"<SearchSpace {self.name!r}{made_with}: {count} decision{plural}, {size} architectures>"
        return f"{type(self).__name__}({arguments})"

    # What a space may override ------------------------------------------------------------

    def active(self, choices: tuple[int, ...]) -> tuple[bool, ...]:
        """Say for each decision whether it matters, given the decisions before it. Inactive ones are pinned to 0."""
        return self._always_active

    def is_valid(self, choices: tuple[int, ...]) -> bool:
        """Say whether these (pinned) choices are an architecture of the space."""
        return True

    def alternatives(self, choices: tuple[int, ...], index: int) -> Sequence[int]:
        """Return the options, by their indices, that an active decision may change to in one step: here all others.

        Override it where a decision should change little by little, such as a depth by one layer; :meth:`adjacent` has
        the options for that. A step must be possible in both directions. Decisions that the step makes active may start
        with any values.
        """
        return [option for option in range(self._counts[index]) if option != choices[index]]

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the native string of an architecture: ``name=option`` for each active decision."""
        return ",".join(f"{name}={option}" for name, option in self.options(choices).items())

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the native string in pieces, each with the index of the decision that it tells, or None.

        Joined, the texts are what :meth:`format` returns. By them a drawing shows which part of the string makes which
        edge or node. A space that overrides ``format`` overrides this too, or its string is one piece.
        """
        if not _is_inherited(self, "format"):
            return [(self.format(choices), None)]
        found: list[tuple[str, int | None]] = []
        for index, on in enumerate(self.active(choices)):
            if on:
                found += [(",", None)] if found else []
                decision = self.decisions[index]
                found.append((f"{decision.name}={decision.options[choices[index]]}", index))
        return found

    def parse(self, text: str) -> Architecture:
        """Return the architecture that a native string names.

        Raises:
            ValueError: the string is malformed or names an unknown decision or option.
        """
        text = check_text(text)
        given = dict(_split_assignment(part, text) for part in re.split(r",(?=[^,=]+=)", text))
        unknown = given.keys() - {decision.name for decision in self.decisions}
        if unknown:
            known = ", ".join(decision.name for decision in self.decisions)
            raise ValueError(f"unknown decision {shown(min(unknown))} in {shown(text)}; {self.name} has {known}.")
        choices = []
        for decision in self.decisions:
            names = [str(option).strip() for option in decision.options]
            option = given.get(decision.name, names[0])
            if option not in names:
                raise ValueError(
                    f"unknown option {shown(option)} of decision {decision.name!r} in {shown(text)}; "
                    f"it has {', '.join(names)}."
                )
            choices.append(names.index(option))
        architecture = self.architecture(self.pin(tuple(choices)))
        missing = architecture.options.keys() - given.keys()
        if missing:
            raise ValueError(
                f"decision {min(missing)!r} is missing in {shown(text)}; give every decision that is active."
            )
        return architecture

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return what the architecture looks like: here one node per active decision, in a row."""
        choices, nodes = architecture.choices, [Node("0", 0.0, 0.0, "input", "input")]
        for index, on in enumerate(self.active(choices)):
            if on:
                label = f"{self.decisions[index].name}: {self.decisions[index].options[choices[index]]}"
                nodes.append(Node(str(len(nodes)), 1.5 * len(nodes), 0.0, label, "operation", decision=index))
        nodes.append(Node(str(len(nodes)), 1.5 * len(nodes), 0.0, "output", "output"))
        return Diagram(tuple(nodes), tuple(Edge(a.id, b.id) for a, b in itertools.pairwise(nodes)))

    def structure(self, architecture: Architecture) -> Diagram:
        """Return the nodes and edges of :meth:`diagram`, with places or without, for whoever needs the graph alone.

        Override it where finding the places takes long; models of architectures ask for thousands of structures.
        """
        return self.diagram(architecture)

    def canonical(self, architecture: Architecture) -> str:
        """Return a name for what the architecture computes.

        Two architectures have the same canonical name if and only if they compute the same
        function for matching weights, as far as the space can prove it. Here: their own strings.
        """
        return self.format(architecture.choices)

    # What every space can do --------------------------------------------------------------

    def adjacent(self, choices: tuple[int, ...], index: int) -> list[int]:
        """Return the options of a decision, by their indices, before and after the chosen one, as far as there are."""
        return [option for option in (choices[index] - 1, choices[index] + 1) if 0 <= option < self._counts[index]]

    def options(self, choices: tuple[int, ...]) -> dict[str, Option]:
        """Return the chosen option of each active decision, by the decision's name."""
        parts = zip(self.decisions, choices, self.active(choices), strict=True)
        return {decision.name: decision.options[choice] for decision, choice, on in parts if on}

    def pin(self, choices: tuple[int, ...]) -> tuple[int, ...]:
        """Return the choices with every inactive decision set to 0."""
        while True:
            active = self.active(choices)
            if active is self._always_active:
                return choices
            try:
                pinned = tuple(choice if on else 0 for choice, on in zip(choices, active, strict=True))
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"the method active of {self.name!r} must return {len(choices)} values, for each decision whether "
                    f"it matters; got {shown(active)}."
                ) from error
            if pinned == choices:
                return choices
            choices = pinned

    def architecture(self, choices: Sequence[int]) -> Architecture:
        """Return the architecture with these choices: one index into each decision's options."""
        try:
            return Architecture(self, tuple(map(operator.index, choices)))
        except TypeError as error:
            raise TypeError(
                f"choices are whole numbers, the index of an option for each decision; got {shown(choices)}. "
                "To name the options, parse a string: space.parse('…')."
            ) from error

    def check(self, choices: tuple[int, ...]) -> None:
        """Raise ValueError, saying what must hold, unless the choices are an architecture."""
        if len(choices) != len(self.decisions):
            raise ValueError(f"{self.name} takes {len(self.decisions)} choices, one per decision; got {len(choices)}.")
        if min(choices) < 0 or not all(map(operator.lt, choices, self._counts)):
            in_range = [0 <= choice < count for choice, count in zip(choices, self._counts, strict=True)]
            index = in_range.index(False)
            name, last = self.decisions[index].name, self._counts[index] - 1
            raise ValueError(f"the choice of decision {name!r} must lie in 0..{last}; got {choices[index]}.")
        if self._is_plain:
            return
        if self.pin(choices) != choices:
            raise ValueError(f"inactive decisions of {self.name} must be 0; got {choices}, pinned {self.pin(choices)}.")
        if not self.is_valid(choices):
            rule = (type(self).is_valid.__doc__ or "See its is_valid().").strip().splitlines()[0]
            raise ValueError(f"{self.format(choices)} is not a valid architecture of {self.name}. {rule}")

    @cached_property
    def size(self) -> int:
        """The number of architectures, exact unless :attr:`size_is_exact` is False (then an upper bound)."""
        return self._count_architectures()

    @property
    def size_is_exact(self) -> bool:
        """Whether :attr:`size` is the exact number and not an upper bound."""
        return self._is_plain or self._combinations() <= MAX_COUNTED

    def _combinations(self) -> int:
        return math.prod(len(decision.options) for decision in self.decisions)

    def _count_architectures(self) -> int:
        if self._is_plain or not self.size_is_exact:
            return self._combinations()
        return sum(1 for _ in self._all_choices())

    def __len__(self) -> int:
        if self.size > sys.maxsize:
            power = math.floor(math.log10(self.size))
            raise OverflowError(f"{self.name} has over 10^{power} architectures, too many for len(); use space.size.")
        return self.size

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Architecture]:
        """Every architecture, in order of choices."""
        return (_unchecked_architecture(self, choices) for choices in self._all_choices())

    def _all_choices(self) -> Iterator[tuple[int, ...]]:
        if _is_inherited(self, "active"):
            combinations = itertools.product(*map(range, self._counts))
            return combinations if self._is_plain else filter(self.is_valid, combinations)
        nothing = (0,) * len(self.decisions)
        return filter(self.is_valid, self._completions(nothing, (False,) * len(nothing)))

    def _completions(self, choices: tuple[int, ...], known: tuple[bool, ...]) -> Iterator[tuple[int, ...]]:
        """Yield the choices, pinned, with all values of the decisions that are active and not yet known."""
        pinned = self.pin(choices)
        unknown = (k for k, (on, is_known) in enumerate(zip(self.active(pinned), known, strict=True)) if on > is_known)
        index = next(unknown, None)
        if index is None:
            yield pinned
            return
        known = (*known[:index], True, *known[index + 1 :])
        for option in range(self._counts[index]):
            yield from self._completions((*choices[:index], option, *choices[index + 1 :]), known)

    def count_unique(self) -> int:
        """Return how many different canonical names there are, by listing all architectures.

        Raises:
            ValueError: the space has more than 10,000,000 of them.
        """
        if self.size > MAX_LISTED:
            raise ValueError(
                f"count_unique lists every architecture, at most {MAX_LISTED:,}; {self.name} has "
                f"{'' if self.size_is_exact else 'up to '}{_rounded(self.size)}. Count a smaller space of the kind, "
                "or the names of a sample."
            )
        return len(set(map(self.canonical, self)))

    def __contains__(self, architecture: object) -> bool:
        return isinstance(architecture, Architecture) and architecture.space == self

    def sample(self, rng: np.random.Generator, by: str = "architecture") -> Architecture:
        """Draw an architecture.

        Args:
            rng: the only source of randomness.
            by: what is drawn uniformly. ``"architecture"``: all architectures are equally likely. ``"decision"``: one
                decision after the other, each of its options equally likely, inactive ones skipped; where the result
                is not valid, all is drawn again. Then an architecture with fewer active decisions is likelier than
                one with more. The two are the same where every decision is always active.

        Raises:
            ValueError: ``by`` is neither, or none of 10,000 draws was accepted.
            TypeError: ``rng`` is no numpy Generator.
        """
        check_rng(rng)
        check_by(by)
        for _ in range(MAX_REDRAWS):
            choices = tuple(rng.integers(self._count_array).tolist())
            if self._is_plain:
                return _unchecked_architecture(self, choices)
            pinned = self.pin(choices)
            if (pinned == choices or by == "decision") and self.is_valid(pinned):
                return _unchecked_architecture(self, pinned)
        raise ValueError(
            f"{self.name} seems to be empty: none of {MAX_REDRAWS:,} draws was valid. Look at its is_valid(). If valid "
            "architectures are only rare, or most of the decisions are mostly inactive, override sample(rng, by)."
        )

    def neighbors(self, architecture: Architecture) -> list[Architecture]:
        """Return every architecture that is one step away. Being neighbours is mutual.

        Neighbours differ in exactly one of the decisions that are active in both, by a step that :meth:`alternatives`
        allows. Decisions that are active in one of them only may have any values there.

        Raises:
            ValueError: there are more than 100,000.
        """
        if architecture.space is not self:
            self.check(architecture.choices)
        choices = architecture.choices
        if self._is_plain:
            steps = self._changes(choices)
            return [_unchecked_architecture(self, (*choices[:k], option, *choices[k + 1 :])) for k, option in steps]
        changed = (each for index, option in self._changes(choices) for each in self._changed(choices, index, option))
        found = [_unchecked_architecture(self, each) for each in itertools.islice(changed, MAX_NEIGHBORS + 1)]
        if len(found) > MAX_NEIGHBORS:
            raise ValueError(
                f"{architecture} has over {MAX_NEIGHBORS:,} neighbours in {self.name}; draw some with mutate(), or "
                "override alternatives() so that a step activates fewer decisions."
            )
        return found

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Draw a neighbour: a step, uniformly, then the decisions that it makes active.

        A step is an active decision and another option for it; all steps that lead to a neighbour are equally likely,
        however many neighbours they lead to. The decisions that it makes active are drawn one after the other,
        uniformly, and again where the result is not valid.

        Raises:
            ValueError: the architecture has no neighbour.
        """
        if architecture.space is not self:
            self.check(architecture.choices)
        choices = architecture.choices
        if self._changes_freely and self._ends[-1]:
            draw = int(rng.integers(self._ends[-1]))
            index = bisect_right(self._ends, draw)
            offset = self._ends[index] - draw  # 1..options-1: a step round the options, never back to the same
            option = (choices[index] + offset) % self._counts[index]
            return _unchecked_architecture(self, (*choices[:index], option, *choices[index + 1 :]))
        steps = self._changes(choices)
        while steps:
            drawn = int(rng.integers(len(steps)))
            changed = self._draw_changed(choices, *steps[drawn], rng)
            if changed is not None:
                return _unchecked_architecture(self, changed)
            steps[drawn] = steps[-1]  # leads nowhere
            steps.pop()
        raise ValueError(f"{architecture} has no neighbour in {self.name}: no decision can be changed.")

    def _changes(self, choices: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return all steps: an active decision, and another option for it."""
        active = enumerate(self.active(choices))
        return [(index, option) for index, on in active if on for option in self.alternatives(choices, index)]

    def _changed(self, choices: tuple[int, ...], index: int, option: int) -> Iterator[tuple[int, ...]]:
        """Return what a step leads to, with all values of the decisions that it makes active."""
        start = (*choices[:index], option, *choices[index + 1 :])
        return filter(self.is_valid, self._completions(start, self.active(choices)))

    def _draw_changed(
        self, choices: tuple[int, ...], index: int, option: int, rng: np.random.Generator
    ) -> tuple[int, ...] | None:
        """Draw one of what a step leads to; None if that is nothing."""
        before = self.active(choices)
        values = [*choices[:index], option, *choices[index + 1 :]]
        idle = [k for k, on in enumerate(before) if not on]
        for _ in range(REDRAWS_BEFORE_LISTING):
            for k, value in zip(idle, rng.integers(self._count_array[idle]).tolist() if idle else (), strict=True):
                values[k] = value
            pinned = self.pin(tuple(values))
            if self.is_valid(pinned):
                return pinned
            active = self.active(pinned)
            if not any(active[k] for k in idle):
                return None
        found = list(self._changed(choices, index, option))
        chances = np.array([self._chance_of_drawing(each, before) for each in found])
        return found[rng.choice(len(found), p=chances / chances.sum())] if found else None

    def _chance_of_drawing(self, choices: tuple[int, ...], known: tuple[bool, ...]) -> float:
        """Return how likely these values of the active decisions that are not known are, drawn one by one."""
        active = zip(self.active(choices), known, self._counts, strict=True)
        return math.prod(1 / count for on, is_known, count in active if on > is_known)

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """One-point crossover: the first decisions of one parent, the rest of the other; see :meth:`crossed`.

        The cut is drawn uniformly; it is redrawn while the child is invalid, and the child is
        the first parent where no cut gives a valid one.
        """
        cuts = list(range(1, len(self.decisions)))
        while cuts:
            cut = cuts.pop(int(rng.integers(len(cuts))))
            choices = self.crossed(first.choices, second.choices, cut)
            if self._is_plain or self.is_valid(choices):
                return Architecture(self, choices)
        return first

    def crossed(self, first: tuple[int, ...], second: tuple[int, ...], cut: int) -> tuple[int, ...]:
        """Return the choices of the child, valid or not: decisions 0 to cut - 1 of the first parent, then the second's.

        Where a decision is inactive in the parent whose turn it is, the child has the other parent's choice. So each
        of its choices is that of a parent in which the decision is active, if there is one, and else 0.
        """
        choices = first[:cut] + second[cut:]
        if self._is_plain:
            return choices
        active = self.active(first)[:cut] + self.active(second)[cut:]
        others = second[:cut] + first[cut:]
        return self.pin(tuple(own if on else other for own, other, on in zip(choices, others, active, strict=True)))

    def distance(self, first: Architecture, second: Architecture) -> float:
        """Return the share of decisions in which two architectures differ, in [0, 1].

        Of the decisions that are active in at least one of them; what is active in one only is a difference. Where all
        decisions are always active, it is the Hamming distance by the number of decisions.

        Example:
            >>> space = SearchSpace("toy", [Decision("width", (8, 16)), Decision("kernel", (1, 3, 5))])
            >>> space.distance(space.architecture((1, 2)), space.architecture((1, 0)))
            0.5
        """
        active = self.active(first.choices), self.active(second.choices)
        parts = zip(first.choices, second.choices, *active, strict=True)
        differ = [a != b or on_a != on_b for a, b, on_a, on_b in parts if on_a or on_b]
        return sum(differ) / max(len(differ), 1)

    def graph(self, architecture: Architecture) -> networkx.DiGraph:
        """Return the diagram as a networkx graph: node and edge attributes are those of Node and Edge.

        It is a MultiDiGraph where two edges join the same nodes, as in cells whose nodes may read one state twice.
        """
        import networkx

        diagram = self.diagram(architecture)
        has_parallels = len({(edge.source, edge.target) for edge in diagram.edges}) < len(diagram.edges)
        graph = (networkx.MultiDiGraph if has_parallels else networkx.DiGraph)(name=str(architecture))
        for node in diagram.nodes:
            attributes = asdict(node)
            graph.add_node(attributes.pop("id"), **attributes)
        for edge in diagram.edges:
            attributes = asdict(edge)
            graph.add_edge(attributes.pop("source"), attributes.pop("target"), **attributes)
        return graph

    def to_json(self) -> dict[str, Any]:
        """Return name, parameters and decisions as plain data."""
        return {
            "name": self.name,
            "parameters": json.loads(self._key[1]),
            "decisions": [{"name": d.name, "options": list(d.options)} for d in self.decisions],
        }

    _key: tuple[str, str, tuple[Decision, ...]]
    _counts: tuple[int, ...]  # of options
    _count_array: np.ndarray[Any, np.dtype[np.int_]]
    _ends: tuple[int, ...]  # how many changes there are up to each decision: its other options
    _always_active: tuple[bool, ...]
    _is_plain: bool  # every combination is valid and every decision active
    _changes_freely: bool  # and every decision may change to any other option


def draw_below(rng: np.random.Generator, bound: int) -> int:
    """Draw a whole number from 0..bound-1, all equally likely; the bound, at least 1, may have any magnitude."""
    if bound <= sys.maxsize:
        return int(rng.integers(bound))
    bits = bound.bit_length()
    while True:
        drawn = int.from_bytes(rng.bytes((bits + 7) // 8), "big") >> (-bits % 8)
        if drawn < bound:
            return drawn


def check_by(by: str) -> None:
    """Raise ValueError unless this says what :meth:`SearchSpace.sample` draws uniformly."""
    if by not in ("architecture", "decision"):
        raise ValueError(f"by must be 'architecture' or 'decision'; got {by!r}.")


def check_rng(rng: np.random.Generator) -> None:
    """Raise TypeError unless this is a source of randomness, and not the seed of one."""
    if not isinstance(rng, np.random.Generator):
        seed = rng if isinstance(rng, int) else 0
        raise TypeError(f"rng must be a numpy Generator, such as np.random.default_rng({seed}); got {shown(rng)}.")


def check_space(space: SearchSpace) -> None:
    """Raise TypeError unless this is a search space, and not its name or its class."""
    if not isinstance(space, SearchSpace):
        raise TypeError(f"space must be a search space, such as nas.spaces.NASBench201(); got {shown(space)}.")


def check_architectures(architectures: Iterable[Architecture]) -> None:
    """Raise TypeError if this is one architecture, or a string, instead of several architectures."""
    if isinstance(architectures, Architecture | str):
        one = shown(str(architectures))
        raise TypeError(f"an evaluator takes a list of architectures, such as [architecture]; got one: {one}.")


def check_list(name: str, values: Iterable[Item], example: Sequence[Item]) -> list[Item]:
    """Return an argument of several values as a list.

    Raises:
        ValueError: it is one value, or a string, whose letters would be taken for values.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list such as {shown(tuple(example))}; got {shown(values)}.")
    return list(values)


def check_text(text: str, longest: int = MAX_TEXT) -> str:
    """Return the text, if it is short enough to be a native string of a space.

    Raises:
        ValueError: it is longer. Parsers call this first, so that whatever comes is refused in no time.
        TypeError: it is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"an architecture is parsed from a string; got {shown(text)}.")
    if len(text) > longest:
        raise ValueError(
            f"the string of an architecture has at most {longest:,} characters; got {len(text):,}: {shown(text)}."
        )
    return text


def check_whole(name: str, value: object, least: int, most: int) -> int:
    """Return an argument as Python's int, if it is a whole number in least..most, of Python or numpy.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number in {least}..{most}; got {shown(value)}.")
    return int(value)


def check_number(name: str, value: object) -> None:
    """Raise ValueError unless this is a number, of Python or numpy; NaN is one."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise ValueError(f"{name} must be a number; got {shown(value)}.")


def check_flag(name: str, value: object) -> bool:
    """Return an argument that is True or False.

    Raises:
        ValueError: it is something else, such as the string ``"no"``, which Python takes for true.
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False; got {shown(value)}.")
    return bool(value)


def has_test(evaluator: object) -> bool:
    """Say whether an evaluator has tests: as its ``has_test`` says, or else whether it has a method ``test``."""
    return bool(getattr(evaluator, "has_test", hasattr(evaluator, "test")))


def shown(value: object) -> str:
    """Return a value as an error shows it: as it is typed, cut after 100 characters."""
    text = repr(value[: MAX_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _rounded(size: int) -> str:
    return f"{size:,}" if size < 10**12 else f"about 10^{round(math.log10(size))}"


def _is_inherited(space: SearchSpace, method: str) -> bool:
    return getattr(type(space), method) is getattr(SearchSpace, method)


def _split_assignment(part: str, text: str) -> tuple[str, str]:
    name, equals, option = part.partition("=")
    if not equals:
        raise ValueError(f"expected 'decision=option,decision=option,…'; got {shown(part)} in {shown(text)}.")
    return name.strip(), option.strip()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Architecture:
    """One point of a search space: the index chosen for each of its decisions.

    A frozen, hashable value. Equal when the choices and the spaces are; ask the space whether
    two different choices compute the same function (``space.canonical``).

    Raises:
        ValueError: the choices are not an architecture of the space.
    """

    space: SearchSpace
    choices: tuple[int, ...]

    def __post_init__(self) -> None:
        if type(self.choices) is not tuple:
            object.__setattr__(self, "choices", tuple(self.choices))
        self.space.check(self.choices)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Architecture)
            and self.choices == other.choices
            and (self.space is other.space or self.space == other.space)
        )

    def __hash__(self) -> int:
        return hash(self.choices)

    def __str__(self) -> str:
        return self.space.format(self.choices)

    def __repr__(self) -> str:
        return f"<{self.space.name} {self}>"

    @property
    def options(self) -> dict[str, Option]:
        """The chosen option of each active decision, by the decision's name."""
        return self.space.options(self.choices)

    def to_json(self) -> dict[str, Any]:
        """Return the ``*.nas.json`` document: space, choices by option name, native string and its pieces, diagram."""
        return {
            "format": ARCHITECTURE_FORMAT,
            "version": FORMAT_VERSION,
            "space": self.space.to_json(),
            "choices": self.options,
            "name": str(self),
            "pieces": [list(piece) for piece in self.space.pieces(self.choices)],
            "diagram": self.space.diagram(self).to_json(),
        }

    def save(self, path: str | Path) -> None:
        """Write the architecture to a ``*.nas.json`` file."""
        Path(path).write_text(json.dumps(self.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Architecture:
        """Read a ``*.nas.json`` file. A space that is not installed becomes a read-only recorded one.

        Raises:
            ValueError: the file is not an architecture of this format, or its choices are unknown.
        """
        from nasedu.history import read_architecture  # how a value of any space is remade lives there

        return read_architecture(Path(path))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        from nasedu.plots.show import architecture_bundle, sized  # how a value shows itself is drawn there

        return sized(architecture_bundle(self))


def _unchecked_architecture(space: SearchSpace, choices: tuple[int, ...]) -> Architecture:
    """Return the architecture with these choices, which are known to be one of the space."""
    architecture, set_once = object.__new__(Architecture), object.__setattr__
    set_once(architecture, "space", space)
    set_once(architecture, "choices", choices)
    return architecture


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured quantity: its value, its unit, and whether ``"higher"`` or ``"lower"`` is better."""

    value: float
    unit: str
    better: str

    def __post_init__(self) -> None:
        if self.better not in ("higher", "lower"):
            raise ValueError(f"better must be 'higher' or 'lower'; got {self.better!r}.")
        object.__setattr__(self, "value", _number(self.value))


def _number(value: float) -> float:
    """Return a number of numpy or torch as Python's; infinity becomes not-a-number, for JSON has neither."""
    value = value if type(value) in (int, float) else float(value)
    return value if math.isfinite(value) else math.nan


KNOWN_METRICS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "parameters": ("weights", "lower"),
        "flops": ("FLOPs, a multiply-add counts as two", "lower"),
        "train_loss": ("nats", "lower"),
        "validation_loss": ("nats", "lower"),
        "mean_absolute_error": ("unit of the targets", "lower"),
        "f1": ("fraction", "higher"),
        "memory": ("bytes", "lower"),
        "latency": ("s", "lower"),
        "seconds_per_epoch": ("s", "lower"),
    }
)


class _Metrics(dict[str, Metric]):
    """The metrics of a trial: a dict that stays as it is, so that trials and tables can share it."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "the metrics of a trial cannot be changed; make a new one: dataclasses.replace(trial, metrics=…)."
        )

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[_Metrics], tuple[dict[str, Metric]]]:
        return _Metrics, (dict(self),)  # for copies and for sending to other processes


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluated architecture.

    Test accuracy is never in a trial, so no strategy can select on it.

    Args:
        architecture: what was evaluated.
        accuracy: validation accuracy, a fraction in [0, 1]; None if there is none.
        score: what strategies maximise; by default the accuracy. -inf for a failed trial.
        metrics: further measurements by name. A plain number is enough for the names in
            ``KNOWN_METRICS``; others are given as a :class:`Metric`. Not to be changed afterwards.
        curve: validation accuracy after each epoch, as far as it is known.
        epochs: how long it was trained, in passes over the training data; None if that has no meaning.
        cost: seconds that this evaluation took, or stands for.
        failure: why there is no score, for a trial that failed.
        number: its place in the order of asks, from 0; set by the search.

    Raises:
        ValueError: accuracy outside [0, 1], a score that is not finite, no score and no failure,
            a negative cost, or an unknown metric without its unit.
    """

    architecture: Architecture
    accuracy: float | None = None
    score: float = field(default=math.nan)
    metrics: Mapping[str, Metric | float] = field(default_factory=dict, hash=False)
    curve: tuple[float, ...] = ()
    epochs: float | None = None
    cost: float = 0.0
    failure: str | None = None
    number: int | None = None

    def __post_init__(self) -> None:
        set_once = object.__setattr__
        if self.accuracy is not None:
            set_once(self, "accuracy", _fraction(self.accuracy))
        score = float(self.score)
        if self.failure is not None:
            score = -math.inf
        elif math.isnan(score) and self.accuracy is not None:
            score = self.accuracy
        if self.failure is None and not math.isfinite(score):
            raise ValueError(
                f"a trial needs an accuracy, a finite score or a failure; got score {score}. "
                "What went wrong can be said: nas.Trial(architecture, failure='diverged')."
            )
        set_once(self, "score", score)
        if type(self.cost) is not float:
            set_once(self, "cost", float(self.cost))
        if not 0.0 <= self.cost < math.inf:
            raise ValueError(f"cost must be a finite number of seconds, at least 0; got {self.cost}.")
        if self.epochs is not None:
            set_once(self, "epochs", _number(self.epochs))
        if len(self.curve):
            set_once(self, "curve", tuple(_number(value) for value in self.curve))
        if self.metrics:
            set_once(self, "metrics", _Metrics({name: _as_metric(name, value) for name, value in self.metrics.items()}))


def _fraction(accuracy: float) -> float:
    value = float(accuracy)
    if math.isnan(value):
        raise ValueError(
            "accuracy must be a fraction in [0, 1]; got nan. A training that diverged is a failed trial: "
            "nas.Trial(architecture, failure='diverged')."
        )
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"accuracy must be a fraction in [0, 1]; got {accuracy}. Divide percent by 100.")
    return value


def _as_metric(name: str, value: Metric | float) -> Metric:
    if isinstance(value, Metric):
        return value
    if name not in KNOWN_METRICS:
        known = ", ".join(KNOWN_METRICS)
        raise ValueError(
            f"metric {name!r} needs a unit and a direction: nas.Metric(value, unit, better). Known ones are {known}."
        )
    return Metric(value, *KNOWN_METRICS[name])


@dataclass(frozen=True, slots=True)
class Proposal:
    """An architecture and how long to train it: what a strategy asks for that knows several fidelities.

    Args:
        architecture: what to evaluate.
        epochs: passes over the training data, above 0.

    Raises:
        ValueError: epochs is not above 0 or not finite.
    """

    architecture: Architecture
    epochs: float

    def __post_init__(self) -> None:
        epochs = _number(self.epochs)
        if not epochs > 0:
            raise ValueError(f"epochs of a proposal must be above 0 and finite; got {self.epochs}.")
        object.__setattr__(self, "epochs", int(epochs) if epochs == int(epochs) else epochs)


class Strategy(Protocol):
    """A black-box search strategy. Any number of asks may precede their tells.

    Where :meth:`ask` returns an architecture, the search's evaluator evaluates it; where it returns a
    :class:`Proposal`, ``evaluator.at(epochs)`` does, and the trial's ``epochs`` are those.

    Some attributes are optional and are recorded in the history when they are there:

    * ``rng``: the numpy Generator that it draws from;
    * ``state``: a dict of what a person may want to see of the last ask or tell, made anew by each;
    * the arguments it was made with, each under its own name.
    """

    space: SearchSpace

    def ask(self) -> Architecture | Proposal:
        """Propose the next architecture to evaluate, and perhaps for how many epochs."""
        ...

    def tell(self, trial: Trial) -> None:
        """Learn from a finished trial. Tells may be late and out of order; a failed trial has score -inf."""
        ...


Evaluator = Callable[[list[Architecture]], list[Trial]]
"""Architectures to trials, in the same order. Pure: the same architecture gives the same trial."""
