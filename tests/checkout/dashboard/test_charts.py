"""Charts: scales one can read, and bars that are as high as their numbers."""

from __future__ import annotations

import pytest

from checkout.dashboard.charts import FOOT_PX, TOP_PX, bars_draw, scale_step


@pytest.mark.parametrize(
    ("largest", "step"),
    [(0, 1), (1, 1), (3, 1), (4, 1), (5, 2), (9, 5), (87, 50), (101, 50), (345.2, 100), (20_001, 10_000)],
)
def test_the_scale_goes_in_steps_of_one_two_or_five(largest: float, step: float) -> None:
    assert scale_step(largest) == step


@pytest.mark.parametrize(("largest", "step"), [(0.73, 0.2), (0.05, 0.02)])
def test_what_is_not_counted_in_pieces_may_have_finer_steps(largest: float, step: float) -> None:
    assert scale_step(largest, whole=False) == pytest.approx(step)


def test_bars_stand_on_the_ground_and_on_each_other() -> None:
    chart = bars_draw(
        rows=[[10, 10], [0, None], [40, 0]],
        slots=["a", "b", "c"],
        titles=["a: 20", "b: 0", "c: 40"],
        written=str,
        height=100 + FOOT_PX + TOP_PX,
    )

    ground = 100 + TOP_PX
    parts = [[(part.kind, float(part.y), float(part.height)) for part in bar.parts] for bar in chart.bars]
    assert parts == [[(0, ground - 25, 25), (1, ground - 50, 25)], [], [(0, ground - 100, 100)]]
    assert [(line.label, float(line.y)) for line in chart.lines] == [
        ("0.0", ground),
        ("10.0", ground - 25),
        ("20.0", ground - 50),
        ("30.0", ground - 75),
        ("40.0", TOP_PX),
    ]
    assert chart.highest == "c: 40"


def test_a_bar_too_small_to_be_seen_is_drawn_one_pixel_high() -> None:
    chart = bars_draw(rows=[[1, 0], [10_000, 0]], slots=["a", "b"], titles=["a: 1", "b: 10,000"], written=str)

    assert [[part.height for part in bar.parts] for bar in chart.bars] == [["1.0"], ["188.0"]]


def test_bars_fill_most_of_their_slots_and_the_axis_fits_its_labels() -> None:
    chart = bars_draw(
        rows=[[1], [1000]], slots=["a", "b"], titles=["a", "b"], written=lambda value: f"{value:.0f}"
    )

    assert [(bar.slot_x, bar.x, bar.width, bar.slot_width) for bar in chart.bars] == [
        ("0.000%", "7.000%", "36.000%", "50.000%"),
        ("50.000%", "57.000%", "36.000%", "50.000%"),
    ]
    assert (chart.lines[-1].label, chart.axis_width) == ("1000", 37)
    assert (chart.height, chart.foot, chart.label_y) == (220, 196, 214)


def test_without_anything_to_show_there_is_a_scale_and_no_bar() -> None:
    chart = bars_draw(rows=[[None], [0]], slots=["a", "b"], titles=["a: –", "b: 0"], written=str)

    assert [bar.parts for bar in chart.bars] == [[], []]
    assert len(chart.lines) == 2
    assert chart.highest == ""


def test_names_of_slots_are_thinned_out_and_every_other_one_is_minor() -> None:
    names = [str(day) for day in range(30)]
    chart = bars_draw(rows=[[1]] * 30, slots=names, titles=names, written=str)

    assert [label.text for label in chart.labels] == ["0", "4", "8", "12", "16", "20", "24", "28"]
    assert [label.text for label in chart.labels if not label.is_minor] == ["0", "8", "16", "24"]
