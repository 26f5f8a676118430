"""Pictures of fronts: the line is the border of what was found, in every direction, and everything is named."""

import itertools

import matplotlib
import numpy as np
import pytest

import nasedu as nas
from nasedu.analysis import pareto
from nasedu.plots import fronts

matplotlib.use("Agg")

SPACE = nas.spaces.NASBench201()


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def trials(count=40, better=("higher", "lower"), seed=0, numbered=True):
    """Trials with two metrics of any direction, spread over a disc, so that there is a front on every side."""
    rng = np.random.default_rng(seed)
    angles, radii = 2 * np.pi * rng.random(count), rng.random(count) ** 0.3
    values = (10 * np.c_[1 + radii * np.cos(angles), 1 + radii * np.sin(angles)]).round() / 20
    return [
        nas.Trial(
            SPACE.sample(rng),
            0.5,
            metrics={"height": nas.Metric(y, "m", better[0]), "width": nas.Metric(10 + x, "m", better[1])},
            number=number if numbered else None,
        )
        for number, (y, x) in enumerate(values)
    ]


def line_of(ax, label):
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return line


def height_of(line, x):
    """Return the heights between which a line of steps runs at x."""
    xs, ys = line.get_data()
    return {y for (x0, y0), (x1, y1) in itertools.pairwise(zip(xs, ys, strict=True)) for y in (y0, y1) if y0 == y1
            and min(x0, x1) < x < max(x0, x1)}  # fmt: skip


@pytest.mark.parametrize("better", list(itertools.product(["higher", "lower"], repeat=2)))
def test_the_line_is_the_border_of_what_is_matched_or_beaten(better):
    given = trials(better=better)
    ax = fronts.front(given, ("height", "width"))
    best = max if better[0] == "higher" else min
    assert len(pareto.front(given, ("height", "width"))) > 3
    for x in 10 + np.arange(-0.975, 2, 0.05):
        paid = [t for t in given if (t.metrics["width"].value <= x) == (better[1] == "lower")]
        found = {best(t.metrics["height"].value for t in paid)} if paid else set()
        assert height_of(line_of(ax, "front"), x) == found, x
    xs, ys = line_of(ax, "front").get_data()
    assert not ax.get_xlim()[0] < xs[0] < ax.get_xlim()[1], "what is worse only in x is dominated, too"
    assert not ax.get_ylim()[0] < ys[-1] < ax.get_ylim()[1], "what is worse only in y is dominated, too"
    arrow = {"higher": "↖↗", "lower": "↙↘"}[better[0]][better[1] == "higher"]
    assert f"{arrow} better" in (ax.get_title(loc="left"), ax.get_title(loc="right"))


def test_dots_are_coloured_by_number_and_the_front_is_ringed():
    given = trials()
    ax = fronts.front(given, ("height", "width"))
    dots, rings = ax.collections
    assert dots.get_array().tolist() == list(range(1, 41))
    on_front = pareto.front(given, ("height", "width"))
    assert rings.get_offsets().tolist() == [[t.metrics["width"].value, t.metrics["height"].value] for t in on_front]
    assert ax.figure.axes[1].get_ylabel() == "trial"


def test_trials_without_numbers_have_one_colour_and_no_bar():
    ax = fronts.front(trials(numbered=False), ("height", "width"))
    assert len(ax.collections) == len(ax.figure.axes) == 1


def test_several_searches_are_named_and_so_is_the_truth():
    best = trials(400, seed=7)
    ax = fronts.front({"NSGA2": trials(), "RandomSearch": trials(seed=1)}, ("height", "width"), truth=best)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["best there is", "NSGA2", "RandomSearch"]
    colors = [line_of(ax, name).get_color() for name in names]
    assert len(set(colors)) == 3
    assert len({str(line_of(ax, name).get_linestyle()) + str(line_of(ax, name)._dash_pattern) for name in names}) == 3


def test_the_line_moves_no_limits_whatever_the_scale():
    ax = fronts.front(trials(), ("height", "width"))
    ax.set_xscale("log")
    ax.figure.draw_without_rendering()
    assert 9 < ax.get_xlim()[0] < ax.get_xlim()[1] < 12
    assert -0.2 < ax.get_ylim()[0] < ax.get_ylim()[1] < 1.2


def test_axes_are_named_with_units_and_fractions_are_in_per_cent():
    metrics = {"parameters": 1200, "flops": 5000, "f1": 0.5, "latency": 0.001}
    given = [nas.Trial(SPACE.architecture((1,) * 6), 0.5, metrics=metrics)]
    expected = {
        "accuracy": "validation accuracy, %",
        "f1": "f1, %",
        "parameters": "parameters",
        "flops": "FLOPs, a multiply-add counts as two",
        "latency": "latency, s",
        "score": "score",
    }
    for (y, said_y), (x, said_x) in itertools.permutations(expected.items(), 2):
        ax = fronts.front(given, (y, x))
        assert (ax.get_ylabel(), ax.get_xlabel()) == (said_y, said_x)
        matplotlib.pyplot.close(ax.figure)
    ax = fronts.front(given, ("f1", "parameters"))
    assert ax.yaxis.get_major_formatter()(0.5) == "50" and ax.xaxis.get_major_formatter()(1200) == "1,200"


def test_trials_without_a_value_are_left_out_and_none_at_all_is_an_error():
    failed = nas.Trial(SPACE.architecture((1,) * 6), failure="no", number=40)
    ax = fronts.front([*trials(), failed], ("height", "width"))
    assert len(ax.collections[0].get_offsets()) == 40
    with pytest.raises(ValueError, match="nothing to draw: no trial has height and width"):
        fronts.front([failed], ("height", "width"))
    with pytest.raises(ValueError, match="no trial of NSGA2 has height and width"):
        fronts.front({"NSGA2": [failed]}, ("height", "width"))


def test_a_front_has_two_objectives():
    with pytest.raises(ValueError, match="a front is drawn for two objectives; got height"):
        fronts.front(trials(), ("height",))


@pytest.mark.parametrize(("cells", "expected"), [(1, 1), (2, 2), (3, 3), (1000, None)])
def test_architectures_of_the_front_are_drawn_with_letters_and_values(cells, expected):
    given = trials()
    figure = fronts.front_cells(given, ("height", "width"), cells=cells)
    on_front = {(t.metrics["height"].value, t.metrics["width"].value) for t in pareto.front(given, ("height", "width"))}
    panels = [ax for ax in figure.axes if ax.get_title(loc="left").startswith(tuple("ABCDEFGHIJ"))]
    assert len(panels) == (expected or len(on_front))
    letters = [text.get_text() for text in figure.axes[0].texts]
    assert letters == [panel.get_title(loc="left")[0] for panel in panels]
    highest, widest = max(on_front)
    assert panels[0].get_title(loc="left") == f"A   {highest:,.6g} height, {widest:,.6g} width"


@pytest.mark.parametrize("name", ["nasbench201", "darts", "chain"])
def test_the_drawings_lie_inside_the_figure_and_do_not_overlap(name):
    space, rng = nas.space(name), np.random.default_rng(0)
    given = [nas.Trial(space.sample(rng), 0.5 + n / 10, metrics={"parameters": n}, number=n) for n in range(4)]
    figure = fronts.front_cells(given)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    boxes = [ax.get_tightbbox(renderer) for ax in figure.axes if ax.get_ylabel() != "trial"]
    assert len(boxes) == 5
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 + 1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 + 1
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)


def test_no_cells_are_no_figure():
    with pytest.raises(ValueError, match="cells must be at least 1; got 0"):
        fronts.front_cells(trials(), ("height", "width"), cells=0)
