"""The Python side of the widgets, and that it agrees with the TypeScript side."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pytest

import nasedu as nas
from nasedu.plots.show import HISTORY_MIME

WIDGETS = Path(__file__).parents[1] / "widgets" / "packages"
SPACE = nas.spaces.NASBench201()


def score(architectures: list[nas.Architecture]) -> list[nas.Trial]:
    return [nas.Trial(a, accuracy=sum(a.choices) / 24) for a in architectures]


def search(trials: int = 6, evaluator: Any = score, batch: int = 1) -> nas.Search:
    strategy = nas.strategies.RegularizedEvolution(SPACE, np.random.default_rng(0), population_size=3, sample_size=2)
    return nas.search(strategy, evaluator, trials=trials, batch=batch)


class Page:
    """What a page would have: the player's text, and the events of its messages."""

    def __init__(self, player: nas.widgets.Player) -> None:
        self.player = player
        self.lines = player.text.splitlines()
        self.messages: list[dict[str, Any]] = []
        player.send = lambda message, buffers=None: self.messages.append(message)  # type: ignore[method-assign]

    def ask(self, message: Any) -> None:
        self.player._handle_custom_msg(message, [])
        if self.messages and self.messages[-1]["first"] == len(self.lines) - 1:
            self.lines += self.messages[-1]["text"].splitlines()

    def step(self) -> None:
        self.ask({"type": "step", "first": len(self.lines) - 1})


def traits(widget: type[anywidget.AnyWidget]) -> set[str]:
    return {name for name in widget.class_own_traits(sync=True) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("widget", "file", "interface"),
    [
        (nas.widgets.CellGraph, "cell_graph.ts", "CellGraphState"),
        (nas.widgets.Player, "player.ts", "PlayerState"),
    ],
)
def test_traits_are_the_fields_of_the_typescript_state(widget, file, interface):
    source = (WIDGETS / "anywidget" / "src" / file).read_text(encoding="utf-8")
    body = re.search(rf"interface {interface} {{(.*?)}}", source, re.DOTALL)
    assert body is not None
    assert set(re.findall(r"^ {2}(\w+):", body[1], re.MULTILINE)) == traits(widget)


def test_a_recorded_history_is_sent_once_and_is_not_live():
    history = search().run(progress=False)
    player = nas.widgets.Player(history)
    assert player.text == history.text()
    assert (player.position, player.live, player.error) == (1, False, "")
    assert player.history is history


def test_a_live_search_is_stepped_by_the_page_and_ends_as_if_run():
    player = nas.widgets.Player(search())
    page = Page(player)
    assert (player.position, player.live) == (0, True)
    for _ in range(6):
        page.step()
    assert not player.live
    assert [message["live"] for message in page.messages] == [True] * 5 + [False]
    assert page.lines == player.history.lines()
    assert player.history == search().run(progress=False)
    page.step()  # nothing is left to do
    assert page.messages[-1]["text"] == ""


def test_steps_of_a_batch_arrive_whole():
    page = Page(nas.widgets.Player(search(batch=4)))
    for _ in range(6):
        page.step()
    assert page.lines == page.player.history.lines()


def test_a_view_made_later_gets_what_it_has_not_seen():
    player = nas.widgets.Player(search())
    first = Page(player)
    first.step()
    first.step()
    second = Page(player)
    second.lines = player.text.splitlines()  # what the constructor sent: the header alone
    second.ask({"type": "since", "first": 0})
    assert second.lines == player.history.lines()
    second.ask({"type": "since", "first": len(player.history.events)})
    assert second.messages[-1]["text"] == ""


def test_a_search_that_ran_on_elsewhere_is_caught_up_with_first():
    running = search()
    page = Page(nas.widgets.Player(running))
    page.step()
    running.step()
    running.step()
    page.step()
    assert len(running.history.trials) == 3
    assert page.lines == running.history.lines()
    running.run(progress=False)
    page.step()
    assert page.lines == running.history.lines()
    assert not page.player.live


def test_an_exception_of_the_evaluator_is_shown_and_loses_nothing():
    attempts = []

    def fails_once(architectures):
        attempts.append(architectures)
        if len(attempts) == 2:
            raise RuntimeError("the GPU is on holiday")
        return score(architectures)

    page = Page(nas.widgets.Player(search(evaluator=fails_once)))
    page.step()
    page.step()
    assert page.player.error == "RuntimeError: the GPU is on holiday"
    assert page.player.live
    for _ in range(5):
        page.step()
    assert page.player.error == ""
    assert page.player.history.trials == search().run(progress=False).trials
    assert page.lines == page.player.history.lines()


@pytest.mark.parametrize(
    "message", [None, "step", {}, {"type": "dance"}, {"type": "step", "first": -1}, {"type": "since", "first": "x"}]
)
def test_other_messages_are_ignored(message):
    page = Page(nas.widgets.Player(search()))
    page.ask(message)
    assert page.messages == []
    assert len(page.player.history.events) == 0


def test_something_else_is_refused():
    with pytest.raises(TypeError, match=r"a search with history, step\(\) and done; got int"):
        nas.widgets.Player(3)


def test_a_cell_graph_shows_another_architecture():
    first, second = SPACE.architecture((0,) * 6), SPACE.architecture((1,) * 6)
    graph = nas.widgets.CellGraph(first)
    assert graph.document == first.to_json()
    graph.selected = 3
    graph.architecture = second
    assert graph.architecture == second
    assert graph.document == second.to_json()
    assert graph.selected == -1


@pytest.mark.parametrize(
    "make", [lambda: nas.widgets.CellGraph(SPACE.architecture((0,) * 6)), lambda: nas.widgets.Player(search())]
)
def test_a_picture_stands_in_where_no_widget_can_be_shown(make):
    data, _ = make()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


def test_a_recorded_search_carries_its_log_and_a_live_one_does_not():
    running = search()
    assert HISTORY_MIME not in nas.widgets.Player(running)._repr_mimebundle_()[0]
    history = running.run(progress=False)
    for player in (nas.widgets.Player(history), nas.widgets.Player(running)):
        data, metadata = player._repr_mimebundle_()
        assert data[HISTORY_MIME] == history.text()
        assert metadata[HISTORY_MIME] == {"position": 1}


def test_the_built_front_end_is_there_and_small():
    built = Path(nas.widgets.__file__).parent
    assert (built / "static" / "widget.js").stat().st_size < 60_000
    assert (built / "static" / "widget.css").is_file()
    package = json.loads((built / "labextension" / "package.json").read_text(encoding="utf-8"))
    assert package["version"] == nas.__version__
    remote = built / "labextension" / package["jupyterlab"]["_build"]["load"]
    assert remote.is_file()


def test_a_cell_graph_shows_an_architecture():
    with pytest.raises(
        TypeError, match=r"CellGraph shows an architecture, such as space\.parse\('…'\); got '\|none~0\|'"
    ):
        nas.widgets.CellGraph("|none~0|")
