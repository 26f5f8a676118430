"""Pictures: everything is named, nothing covers anything else, and the same value gives the same picture."""

import base64
import io
import itertools
import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import nasedu as nas
from nasedu import cli, plots
from nasedu.plots import palette, show

matplotlib.use("Agg")

SPACES = {"nasbench201": nas.spaces.NASBench201()}
CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


# Files and bundles -----------------------------------------------------------------------------


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<svg"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_saving_twice_gives_the_same_bytes(tmp_path: Path, ending: str, start: bytes) -> None:
    cell = SPACES["nasbench201"].parse(CELL)
    one, other = tmp_path / f"one.{ending}", tmp_path / f"other.{ending}"
    plots.save(cell, one)
    plots.save(cell, other)
    assert one.read_bytes().startswith(start)
    assert one.read_bytes() == other.read_bytes()


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.svg, \.pdf, \.png, \.tex, \.dot or \.mmd; got .*cell\.gif"):
        plots.save(SPACES["nasbench201"].parse(CELL), tmp_path / "cell.gif")


def history(strategy_name: str = "RandomSearch", trials: int = 12, failing: bool = False) -> nas.History:
    strategy = getattr(nas.strategies, strategy_name)(SPACES["nasbench201"], np.random.default_rng(0))

    def share(cells):
        made = [nas.Trial(cell, accuracy=str(cell).count("conv") / 6) for cell in cells]
        return [nas.Trial(t.architecture, failure="no memory") if failing and t.accuracy < 0.4 else t for t in made]

    return nas.search(strategy, share, trials=trials).run(progress=False)


def test_ipython_takes_the_bundles() -> None:
    from IPython.core.formatters import DisplayFormatter

    cell = SPACES["nasbench201"].parse(CELL)
    data, _ = DisplayFormatter().format(cell)
    assert set(data) == {"text/plain", "image/png", show.ARCHITECTURE_MIME}
    assert CELL in data["text/plain"]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data[show.ARCHITECTURE_MIME] == cell.to_json()
    json.dumps(data)

    log = history()
    data, _ = DisplayFormatter().format(log)
    assert set(data) == {"text/plain", "image/png", show.HISTORY_MIME}
    assert data[show.HISTORY_MIME] == log.text()


def test_a_long_history_is_thinned_and_a_very_long_one_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    log = history()
    thin = show._thinned(log.text())
    assert len(thin) < len(log.text())
    monkeypatch.setattr(show, "LARGEST_HISTORY", len(thin))
    bundle = show.history_bundle(log)
    assert bundle[show.HISTORY_MIME] == thin
    assert "without its states" in bundle["text/plain"]
    monkeypatch.setattr(show, "LARGEST_HISTORY", 100)
    bundle = show.history_bundle(log)
    assert show.HISTORY_MIME not in bundle
    assert "too long" in bundle["text/plain"] and "image/png" in bundle


def test_a_thinned_history_can_be_read(tmp_path: Path) -> None:
    log = history()
    path = tmp_path / "thin.nas.jsonl"
    path.write_text(show._thinned(log.text()), encoding="utf-8")
    assert [trial.score for trial in nas.History.load(path).trials] == [trial.score for trial in log.trials]


@pytest.mark.parametrize("events", [[], [{"event": "ask", "number": 0, "choices": [0] * 6}]])
def test_a_history_without_a_score_shows_itself(events: list) -> None:
    log = nas.History(history().header, events)
    assert show.history_png(log).startswith(b"\x89PNG")
    text = "No trial yet: step the search, or run it."
    assert show.history_bundle(log)["text/plain"] == f"{log!r} {text}"
    assert [found.get_text() for found in plots.history_figure(log).texts] == [text]


def test_a_history_says_why_it_has_nothing_to_draw() -> None:
    log = nas.search(
        nas.strategies.RandomSearch(SPACES["nasbench201"], np.random.default_rng(0)),
        lambda cells: [nas.Trial(cell, failure="no memory") for cell in cells],
        trials=2,
    ).run(progress=False)
    assert "of 2 trials, all have failed" in plots.history_figure(log).texts[0].get_text()
    bare = nas.History(history().header, [{"event": "step", "number": 0, "choices": [0] * 6, "state": {}}])
    assert "neither a loss nor alphas" in plots.history_figure(bare).texts[0].get_text()
    assert plots.history_figure(history()).axes and not plots.history_figure(history()).texts


def test_showing_needs_no_pyplot() -> None:
    code = (
        "import sys, nasedu as nas; nas.plots; assert 'matplotlib' not in sys.modules;"
        "nas.spaces.NASBench201().architecture((0,) * 6)._repr_mimebundle_();"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


# Curves ----------------------------------------------------------------------------------------


def test_histories_are_named_at_their_lines_in_their_strategys_colour() -> None:
    ax = plots.histories([history("RandomSearch"), history("BoltzmannPolicy")])
    named = {text.get_text(): text.get_color() for text in ax.texts}
    colors = {name: palette.strategy_style(name).color for name in ("RandomSearch", "BoltzmannPolicy")}
    assert named == {name: palette.readable(color) for name, color in colors.items()}
    assert colors["RandomSearch"] in [line.get_color() for line in ax.lines]
    assert ax.get_xlabel() == "trial"
    assert ax.get_ylabel() == "validation accuracy, %"


def test_the_line_of_a_history_is_the_best_so_far() -> None:
    log = history()
    ax = plots.histories(log)
    line = next(line for line in ax.lines if line.get_drawstyle() == "steps-post")
    np.testing.assert_allclose(line.get_ydata(), np.maximum.accumulate([trial.score for trial in log.trials]))


def test_of_several_fidelities_the_line_is_the_best_of_the_longest_trainings() -> None:
    """Here longer trainings look worse, so the line falls when the first one is there."""
    space = SPACES["nasbench201"]

    def evaluate(cells):
        return at(1)(cells)

    def at(epochs):
        return lambda cells: [nas.Trial(a, accuracy=(1 + sum(a.choices)) / 30 / epochs, epochs=epochs) for a in cells]

    evaluate.at = at
    log = nas.search(nas.strategies.SuccessiveHalving(space, np.random.default_rng(0)), evaluate, 60).run(False)
    drawn = next(line for line in plots.histories(log).lines if line.get_drawstyle() == "steps-post").get_ydata()
    for number, best in enumerate(drawn, start=1):
        longest = max(trial.epochs for trial in log.trials[:number])
        assert best == max(trial.score for trial in log.trials[:number] if trial.epochs == longest)
    assert sum(np.diff(drawn) < 0) == 2, "from 1 to 3 and to 10 epochs"


def test_failed_trials_are_crosses_and_never_the_best() -> None:
    ax = plots.histories(history(failing=True, trials=30))
    crosses = next(line for line in ax.lines if line.get_marker() == "x")
    assert len(crosses.get_xdata()) == sum(t.failure is not None for t in history(failing=True, trials=30).trials)
    best = next(line for line in ax.lines if line.get_drawstyle() == "steps-post")
    assert np.isfinite(best.get_ydata()).all()


def test_lines_that_coincide_have_markers_at_different_trials() -> None:
    ax = plots.histories([history(trials=30), history(trials=30), history(trials=30)])
    lines = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    marked = [set(range(30)[start::every]) for start, every in (line.get_markevery() for line in lines)]
    assert all(line.get_marker() not in ("", "None") for line in lines)
    assert all(not one & other for one, other in itertools.combinations(marked, 2))
    alone = next(line for line in plots.histories(history()).lines if line.get_drawstyle() == "steps-post")
    assert alone.get_marker() == ""


def test_a_search_whose_trials_all_failed_is_named_at_the_bottom() -> None:
    failed = nas.search(
        nas.strategies.BoltzmannPolicy(SPACES["nasbench201"], np.random.default_rng(0)),
        lambda cells: [nas.Trial(cell, failure="no memory") for cell in cells],
        trials=5,
    ).run(progress=False)
    ax = plots.histories([history(), failed])
    ax.figure.canvas.draw()
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert heights["BoltzmannPolicy"] == pytest.approx(0, abs=1e-9)
    assert heights["RandomSearch"] > 0.5


def test_two_lines_of_one_strategy_look_different() -> None:
    styles = palette.strategy_styles(["RandomSearch", "RandomSearch, again", "mine", "yours", "RegularizedEvolution"])
    assert len({(style.color, style.dash) for style in styles}) == len(styles)
    assert styles[0] == palette.strategy_style("RandomSearch")
    assert styles[4] == palette.strategy_style("regularized evolution")


def test_every_strategy_has_a_colour_a_dash_and_a_marker_of_its_own() -> None:
    strategies = cli._strategies()
    styles = {found.__name__: palette.strategy_style(found.__name__) for found in strategies.values()}
    assert [name for name, style in styles.items() if style == palette.strategy_style("other")] == []
    entries = palette._palette()["strategies"]
    for part in ("color", "dark", "marker"):
        assert len({str(entry[part]) for entry in entries.values()}) == len(entries), part
    white, black = palette._luminance([255] * 3), palette._luminance([17] * 3)
    for name, entry in entries.items():
        on_white = (white + 0.05) / (palette._luminance(palette._channels(entry["color"])) + 0.05)
        on_black = (palette._luminance(palette._channels(entry["dark"])) + 0.05) / (black + 0.05)
        assert min(on_white, on_black) >= 3, name


def test_diversity_is_drawn_for_each_search_and_named() -> None:
    searches = [history(), history("BoltzmannPolicy")]
    ax = plots.diversity(searches, window=3)
    assert [text.get_text() for text in ax.texts] == ["RandomSearch", "BoltzmannPolicy"]
    for line, search in zip(ax.lines, searches, strict=True):
        np.testing.assert_allclose(line.get_ydata(), nas.analysis.diversity_over_time(search, 3))
    assert ax.get_ylabel() == "diversity of the last 3 trials"
    with pytest.raises(ValueError, match="RandomSearch takes at least 2 trials; it has 0"):
        plots.diversity(nas.History(history().header))


def ranked(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    names = [found.__name__ for found in cli._strategies().values()][:count]
    return {name: rng.normal(place // 3, 0.5, 20) for place, name in enumerate(names)}


@pytest.mark.parametrize("count", [2, 3, 8, 12])
def test_a_diagram_of_ranks_names_every_strategy_once_and_nothing_touches(count: int) -> None:
    values = ranked(count)
    found = nas.analysis.critical_difference(values)
    ax = plots.critical_difference(values)
    ax.figure.canvas.draw()
    texts = {text.get_text().strip(): text for text in ax.texts}
    for name, rank in found.ranks.items():
        (label,) = [text for text in texts if name in text.split("  ")]
        assert f"{rank:.2f}" in label
        (dot,) = [line for line in ax.lines if line.get_marker() == palette.strategy_style(name).marker]
        assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (rank, 0)
    bars = [line for line in ax.lines if line.get_linewidth() == 4]
    ends = [(found.ranks[group[0]], found.ranks[group[-1]]) for group in found.groups]
    assert [tuple(line.get_xdata()) for line in bars] == ends
    (scale,) = [line for line in ax.lines if line.get_marker() == "|"]
    assert np.ptp(scale.get_xdata()) == pytest.approx(found.difference)
    boxes = [text.get_window_extent() for text in ax.texts]
    width, height = ax.figure.canvas.get_width_height()
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    touching = [(a, b) for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]
    assert touching == []


def test_an_empty_history_has_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="RandomSearch has no trials yet"):
        plots.histories(nas.History(history().header))
    with pytest.raises(ValueError, match="at least one history"):
        plots.histories([])


def test_bands_draw_the_median_and_say_how_many_seeds() -> None:
    values = np.random.default_rng(0).random((20, 30)).cumsum(axis=1) / 30
    ax = plots.bands({"RandomSearch": values, "RegularizedEvolution": values + 0.1})
    widest = max(line.get_linewidth() for line in ax.lines)
    medians = [line for line in ax.lines if line.get_linewidth() == widest]
    np.testing.assert_allclose(medians[0].get_ydata(), np.median(values, axis=0))
    assert "20 seeds" in ax.get_title("left")
    assert [text.get_text() for text in ax.texts] == ["RandomSearch", "RegularizedEvolution"]


def test_bands_refuse_what_is_not_seeds_by_trials() -> None:
    with pytest.raises(ValueError, match=r"\[seeds, trials\]; got shape \(3,\)"):
        plots.bands({"RandomSearch": [0.1, 0.2, 0.3]})
    with pytest.raises(ValueError, match="one entry per trial of 'RandomSearch': 3; got 2"):
        plots.bands({"RandomSearch": [[0.1, 0.2, 0.3]]}, budget=[1, 2])


def test_bands_on_a_shared_axis_hold_all_of_them() -> None:
    from matplotlib import pyplot

    low, high = np.full((20, 40), 0.2), np.full((20, 40), 0.7) + np.linspace(0, 0.1, 20)[:, None]
    _, (left, right) = pyplot.subplots(1, 2, sharey=True)
    plots.bands({"RandomSearch": low}, left)
    before = left.texts[0].get_position()[1]
    plots.bands({"RegularizedEvolution": high}, right)
    bottom, top = left.get_ylim()
    assert (bottom, top) == right.get_ylim()
    assert bottom < 0.2 and top > 0.79
    assert before == pytest.approx(0.5)
    after = left.texts[0].get_position()[1]
    assert after == pytest.approx((0.2 - bottom) / (top - bottom)), "names must follow their lines"


def test_bands_keep_limits_that_were_set_before() -> None:
    from matplotlib import pyplot

    _, (left, right) = pyplot.subplots(1, 2, sharey=True)
    left.set_ylim(0.4, 0.6)
    for ax, value in ((left, 0.2), (right, 0.9)):
        plots.bands({"RandomSearch": np.full((20, 40), value)}, ax)
        assert ax.get_ylim() == (0.4, 0.6)
        assert ax.texts[0].get_position()[1] == pytest.approx(float(value > 0.5), abs=1e-9)


def test_names_stand_beside_their_lines_on_a_logarithmic_axis_too() -> None:
    from matplotlib import pyplot

    _, ax = pyplot.subplots()
    ax.set_yscale("log")
    ax.set_ylim(0.001, 0.1)
    plots.bands({"RandomSearch": np.full((20, 40), 0.01)}, ax, score_name="regret")
    assert ax.texts[0].get_position()[1] == pytest.approx(0.5)


def test_names_at_the_ends_of_lines_do_not_touch() -> None:
    values = np.full((20, 5), 0.5)
    ax = plots.bands(
        {name: values for name in ("RandomSearch", "RegularizedEvolution", "GeneticAlgorithm", "Reinforce")}
    )
    ax.figure.canvas.draw()
    extent = matplotlib.text.Text.get_window_extent  # without the line that leads to the name
    boxes = sorted((extent(text) for text in ax.texts), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))


def weight_sharing(steps: int = 3) -> nas.History:
    space = SPACES["nasbench201"]
    diagram = nas.Diagram(
        tuple(nas.Node(str(i), 1.5 * i, i % 2, str(i)) for i in range(4)),
        tuple(nas.Edge(str(s), str(t)) for s, t in nas.spaces.nasbench201.EDGES),
    )
    header = {
        **history().header,
        "strategy": {"name": "DARTS"},
        "supernet": {
            "operations": list(nas.spaces.nasbench201.OPERATIONS),
            "cells": [{"name": "cell", "diagram": diagram.to_json()}],
        },
    }
    alphas = np.random.default_rng(0).normal(size=(6, 5)).tolist()
    events = [
        {
            "event": "step",
            "number": number,
            "choices": [0] * len(space.decisions),
            "state": {"train_loss": 2.0 - number / 10, "validation_loss": 2.1, "alphas": {"cell": alphas}},
        }
        for number in range(steps)
    ]
    return nas.History(header, events)


def test_alphas_are_shares_in_percent_with_named_rows_and_columns() -> None:
    ax = plots.alphas(weight_sharing()).axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == list(nas.spaces.nasbench201.OPERATIONS)
    assert [label.get_text() for label in ax.get_yticklabels()][:2] == ["0 → 1", "0 → 2"]
    shares = np.array([float(text.get_text()) for text in ax.texts]).reshape(6, 5)
    np.testing.assert_allclose(shares.sum(axis=1), 100, atol=2.5)  # each rounded


def test_a_supernet_is_drawn_from_its_history() -> None:
    ax = plots.supernet(weight_sharing())
    assert len([text for text in texts(ax) if text.endswith("%")]) == 6
    with pytest.raises(ValueError, match="does not say what its supernet looks like"):
        plots.supernet(history())


def test_losses_are_named_and_a_history_of_steps_shows_both() -> None:
    ax = plots.losses(weight_sharing())
    assert {text.get_text() for text in ax.texts} == {"train loss", "validation loss"}
    assert ax.get_ylabel() == "loss, nats"
    assert show.history_png(weight_sharing()).startswith(b"\x89PNG")


def test_what_was_not_recorded_is_said() -> None:
    with pytest.raises(ValueError, match="the history has no steps"):
        plots.alphas(history())
    with pytest.raises(ValueError, match=r"step 7 records no alphas; the nearest that does is 2"):
        plots.alphas(weight_sharing(), step=7)
    with pytest.raises(ValueError, match="no ask of this history records probabilities"):
        plots.controller(history())


def test_a_controller_shows_what_it_drew() -> None:
    log = history("Reinforce", trials=3)
    ax = plots.controller(log, ask=1).axes[0]
    state = next(e["state"] for e in log.events if e["event"] == "ask" and e["number"] == 1)
    frames = [(round(p.get_x() + 0.46), round(p.get_y() + 0.43)) for p in ax.patches]
    assert frames == [(choice, row) for row, choice in enumerate(state["chosen"])]


def test_pictures_have_two_dots_for_each_point() -> None:
    from PIL import Image

    cell = SPACES["nasbench201"].parse(CELL)
    width, _ = plots.drawing_of(cell).size
    image = Image.open(io.BytesIO(show.architecture_png(cell)))
    assert image.width == pytest.approx(2 * width, abs=2)
    data, metadata = show.sized(show.architecture_bundle(cell))
    assert data[show.ARCHITECTURE_MIME] == cell.to_json()
    assert metadata["image/png"]["alt"] == image.text["Description"] == plots.describe(cell)
    assert image.text["Title"] == CELL
    assert metadata["image/png"]["width"] == pytest.approx(image.width / 2, abs=1)
    assert metadata["image/png"]["height"] == pytest.approx(image.height / 2, abs=1)
