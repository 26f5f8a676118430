"""A search to step through: forwards and backwards, recorded or while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from nasedu.history import History
from nasedu.widgets.cell_graph import STATIC, with_png

if TYPE_CHECKING:
    from nasedu.loop import Search


class Player(anywidget.AnyWidget):
    """Plays a search, one event at a time.

    Stepping past the last event of a search that is not done advances the search by one trial (or by
    one training step). That is driven by the page, one message for each step, so there are no
    threads: the kernel is free in between, and a running cell makes the player wait.

    A recorded search is drawn by the JupyterLab extension where there is one, from the log in the
    output, so a reopened notebook plays it again. A live one needs its kernel: run its cell again.

    Args:
        search: a history, or a search: anything with ``history``, ``step()`` and ``done``.

    Attributes:
        position: how many events have happened at the moment shown; 0 is the beginning.
        live: whether the search can go on after the last event.
        error: why the last step failed; empty if it did not. Stepping again tries again.

    Raises:
        TypeError: the argument is neither a history nor a search.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    kind = traitlets.Unicode("player").tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)
    live = traitlets.Bool(False).tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)

    def __init__(self, search: Search | History) -> None:
        is_recorded = isinstance(search, History)
        if not is_recorded and not all(hasattr(search, name) for name in ("history", "step", "done")):
            raise TypeError(
                f"Player shows a history, or a search with history, step() and done; got {type(search).__name__}."
            )
        self.search: Any = None if is_recorded else search
        self._recorded: Any = search if is_recorded else None
        super().__init__(text=self.history.text(), position=min(1, len(self.history.events)), live=self._is_live())
        self.on_msg(self._receive)

    @property
    def history(self) -> History:
        """What is played. That of a live search grows."""
        history: History = self._recorded if self.search is None else self.search.history
        return history

    def _is_live(self) -> bool:
        return self.search is not None and not self.search.done

    def _receive(self, _widget: Any, message: Any, _buffers: Any) -> None:
        """Answer the page, which knows the events before ``first``.

        "since" wants what has happened after them; "step" wants that too, or if there is nothing, the next trial.
        """
        kind, first = (message.get("type"), message.get("first")) if isinstance(message, dict) else (None, None)
        if kind not in ("step", "since") or not isinstance(first, int) or first < 0:
            return
        if kind == "step" and first >= len(self.history.events):
            self._step()
        self._send_events(first)

    def _step(self) -> None:
        self.error = ""
        try:
            if self._is_live():
                self.search.step()
        except (Exception, KeyboardInterrupt) as error:  # whatever a student's evaluator raises is shown beside it
            self.error = f"{type(error).__name__}: {error}"

    def _send_events(self, first: int) -> None:
        self.live = self._is_live()
        text = "".join(line + "\n" for line in self.history.event_lines(first))
        self.send({"type": "events", "first": first, "text": text, "live": self.live})

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the widget and a picture; for a recorded search also its log, which plays without a kernel."""
        from nasedu.plots.show import HISTORY_MIME, history_bundle, history_png

        data, metadata = with_png(super()._repr_mimebundle_(**kwargs), history_png(self.history))
        log = None if self._is_live() else history_bundle(self.history).get(HISTORY_MIME)
        if log is None:
            return data, metadata
        return {**data, HISTORY_MIME: log}, {**metadata, HISTORY_MIME: {"position": self.position}}
