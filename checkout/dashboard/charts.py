"""Bar charts as numbers for a template to draw: bars, lines of the scale, labels.

Widths are in percent and heights in pixels: a chart fits any screen while its letters keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orders.periods import Number

TOP_PX = 8
"""Room above the highest line, for the upper half of its label."""
FOOT_PX = 24
"""Room below the bars, for the labels of the slots."""
BAR_HEIGHT_MIN_PX = 1.0
"""The least height of a part that is not zero, so that it can be seen."""
LINES_MAX = 4
LABELS_MAX = 8
BAR_SHARE = 0.72
"""How much of its slot a bar fills."""
CHARACTER_PX = 7.2
"""Width of a digit of the labels, at 12 px."""


@dataclass(frozen=True)
class Part:
    """One piece of a bar; `kind` picks its colour."""

    kind: int
    y: str
    height: str


@dataclass(frozen=True)
class Bar:
    """The stacked parts over one slot; `title` says in a sentence what they show."""

    x: str
    width: str
    slot_x: str
    slot_width: str
    parts: list[Part]
    title: str


@dataclass(frozen=True)
class Line:
    """A horizontal line of the scale and its number."""

    y: str
    label: str


@dataclass(frozen=True)
class SlotLabel:
    """The name of a slot; a minor one is hidden on narrow screens."""

    x: str
    text: str
    is_minor: bool


@dataclass(frozen=True)
class Chart:
    """A chart to be drawn, sizes in pixels; `highest` is the title of the largest bar, empty without bars."""

    highest: str
    height: int
    foot: int
    axis_width: int
    label_y: int
    lines: list[Line]
    bars: list[Bar]
    labels: list[SlotLabel]


def scale_step(largest: float, lines_max: int = LINES_MAX, *, whole: bool = True) -> float:
    """Return the step of a scale: 1, 2 or 5 times a power of ten, in at most `lines_max` steps to `largest`.

    `whole` keeps it from falling below 1, for what is counted in pieces.
    """
    if largest <= 0:
        return 1.0
    rough = largest / lines_max
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    return max(1.0, step) if whole else step


def bars_draw(
    *,
    rows: Sequence[Sequence[Number | None]],
    slots: Sequence[str],
    titles: Sequence[str],
    written: Callable[[float], str],
    height: int = 220,
    lines_max: int = LINES_MAX,
    labels_max: int = LABELS_MAX,
    whole: bool = True,
) -> Chart:
    """Return a chart of stacked bars.

    Parameters
    ----------
    rows : for each slot the parts of its bar, from the bottom up, none negative; None counts as zero
    slots : for each slot its short name
    titles : for each slot the sentence that says what its bar shows
    written : writes a number of the scale
    height : of the whole, in pixels
    lines_max, labels_max : the most steps of the scale, and the most names of slots
    whole : whether the scale counts in pieces
    """
    heights = [[float(value or 0) for value in row] for row in rows]
    sums = [sum(row) for row in heights]
    largest = max(sums, default=0.0)
    step = scale_step(largest, lines_max, whole=whole)
    top = step * max(1, math.ceil(largest / step - 1e-9))
    bottom_px = height - FOOT_PX
    unit_px = (bottom_px - TOP_PX) / top
    values = [step * number for number in range(round(top / step) + 1)]
    lines = [Line(y=f"{bottom_px - value * unit_px:.1f}", label=written(value)) for value in values]
    slot_percent = 100 / max(1, len(rows))
    bars = []
    for number, (row, title) in enumerate(zip(heights, titles, strict=True)):
        parts, y = [], float(bottom_px)
        for kind, value in enumerate(row):
            y -= value * unit_px
            if value > 0:
                height_px = max(BAR_HEIGHT_MIN_PX, value * unit_px)
                parts.append(Part(kind=kind, y=f"{y:.1f}", height=f"{height_px:.1f}"))
        left = slot_percent * (number + (1 - BAR_SHARE) / 2)
        bars.append(
            Bar(
                x=f"{left:.3f}%",
                width=f"{slot_percent * BAR_SHARE:.3f}%",
                slot_x=f"{slot_percent * number:.3f}%",
                slot_width=f"{slot_percent:.3f}%",
                parts=parts,
                title=title,
            )
        )
    return Chart(
        highest=titles[sums.index(largest)] if largest > 0 else "",
        height=height,
        foot=bottom_px,
        axis_width=math.ceil(CHARACTER_PX * max(len(line.label) for line in lines)) + 8,
        label_y=height - 6,
        lines=lines,
        bars=bars,
        labels=_labels(slots, slot_percent, labels_max),
    )


def _labels(slots: Sequence[str], slot_percent: float, labels_max: int) -> list[SlotLabel]:
    """Return every n-th name, so that there are at most `labels_max`; every other one is minor."""
    every = max(1, math.ceil(len(slots) / labels_max))
    return [
        SlotLabel(
            x=f"{slot_percent * (number + 0.5):.3f}%",
            text=slots[number],
            is_minor=(number // every) % 2 == 1,
        )
        for number in range(0, len(slots), every)
    ]
