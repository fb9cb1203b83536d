"""Draws shopping visits that are hard to count, each with the cart it should make in each mode.

``python -m tests.recognition.vision.lane.harder_visits OUT --photos FOLDER --each 2 --seed 1`` writes them
as frames with a ``truth.json`` as recorded visits have it, plus the mode, the zone, and what was in view
where.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.recognition.vision.drawn_counter import SKIN_TONES, WIDTH, Camera, Image, Key, Labels, Thing, Visit
from tests.recognition.vision.packs import pack

Point = tuple[float, float]
OUTSIDE: dict[str, Point] = {
    "left": (-180, 300),
    "right": (820, 300),
    "bottom": (330, 660),
    "top": (320, -200),
}
MIDDLE: Point = (320, 240)


@dataclass(frozen=True)
class Shelf:
    """Pictures to carry before the camera: of registered products by name, and of others."""

    known: Mapping[str, Sequence[Image]]
    strangers: Sequence[Image]


def drawn_shelf(products: int = 8) -> Shelf:
    """Return drawn packs, so that no photo is needed."""
    known = {f"pack-{number}": [_coloured(number)] for number in range(1, products + 1)}
    return Shelf(known, [_coloured(90 + number) for number in range(3)])


def _coloured(number: int) -> Image:
    colour = np.random.default_rng(number).uniform(0.35, 1.0, 3)
    return np.asarray(pack(number, 0) * colour, np.uint8)


class Script:
    """Builds one visit."""

    def __init__(self, kind: str, shelf: Shelf, seed: int) -> None:
        self.random = np.random.default_rng([seed, *kind.encode()])
        self.shelf, self.visit = shelf, Visit(kind, 0, [], {}, seed)
        self.counted: Counter[str] = Counter()

    def product(self, *others: str) -> str:
        """Draw a product, another one than those."""
        return str(self.random.choice([name for name in sorted(self.shelf.known) if name not in others]))

    def side(self, *among: str) -> str:
        """Draw a side to enter from."""
        return str(self.random.choice(among or ("left", "right", "bottom")))

    def near(self, spot: Point, reach: float = 30.0) -> Point:
        """Draw a position near another."""
        x, y = self.random.uniform(-reach, reach, 2)
        return spot[0] + float(x), spot[1] + float(y)

    def add(self, product: str | None, path: Sequence[Key], **how: Any) -> Thing:
        """Carry an object along a path; a registered one counts."""
        if product is None:
            art = self.shelf.strangers[int(self.random.integers(len(self.shelf.strangers)))]
        else:
            of_product = self.shelf.known[product]
            art = of_product[int(self.random.integers(len(of_product)))]
            self.counted[product] += 1
        look = {"height": float(self.random.uniform(175, 235)), "skin": SKIN_TONES[self.random.integers(3)]}
        thing = Thing(art, product, path, **{**look, **how})
        self.visit.things.append(thing)
        return thing

    def path(self, start: int, hold: int, spot: Point, side: str, move: int = 6) -> list[Key]:
        """In from a side, held somewhere with a little turn, and out again."""
        away = OUTSIDE[side]
        tilt, turn = self.random.uniform(-10, 10), self.random.uniform(-8, 8)
        return [
            Key(start, *away, tilt),
            Key(start + move, *spot, tilt),
            Key(start + move + hold, *spot, tilt + turn),
            Key(start + 2 * move + hold, *away, tilt + turn),
        ]

    def present(self, product: str | None, start: int, hold: int = 14, **how: Any) -> int:
        """Show an item in the usual way; return when it is gone."""
        side = str(how.pop("side", None) or self.side())
        spot = how.pop("spot", None) or self.near(MIDDLE, 50)
        path = self.path(start, hold, spot, side)
        self.add(product, path, **{"hand": side, **how})
        return path[-1].frame

    def done(self, last: int, **carts: dict[str, int]) -> Visit:
        """Close the visit some frames after the last object; what counted is the cart of mode scan."""
        self.visit.frames = last + 12
        self.visit.carts = carts or {"scan": dict(self.counted)}
        return self.visit


def two_hands(s: Script) -> Visit:
    """Two hands show an item each, one a little later than the other."""
    late = int(s.random.integers(0, 9))
    left = s.present(s.product(), 15, 18, side="left", spot=s.near((185, 240)))
    right = s.present(s.product(), 15 + late, 18, side="right", spot=s.near((455, 240)))
    return s.done(max(left, right))


def crossing(s: Script) -> Visit:
    """Two items change sides before the camera, one hiding the other for a moment."""
    one, other = s.product(), ""
    other = s.product(one)
    for product, side, depth in ((one, "left", 0), (other, "right", 1)):
        here, there = ((170, 230), (470, 240)) if side == "left" else ((470, 240), (170, 230))
        away = OUTSIDE[side]
        path = [Key(15, *away), Key(21, *here), Key(29, *here), Key(43, *there), Key(55, *there)]
        s.add(product, [*path, Key(61, there[0], 660)], hand="bottom", depth=depth, height=190)
    return s.done(61)


def stacking(s: Script) -> Visit:
    """A second item is put half behind or half before the one that is held."""
    one = s.product()
    other, depth = s.product(one), int(s.random.choice([-1, 1]))
    aside = float(s.random.choice([-1, 1])) * 100
    s.add(one, s.path(15, 50, MIDDLE, "bottom"), hand="bottom")
    side = "left" if aside < 0 else "right"
    s.add(other, s.path(32, 26, (320 + aside, 225), side), hand=side, depth=depth)
    return s.done(80)


def shopper_behind(s: Script) -> Visit:
    """A shopper sways behind the items, in view from the start or stepping up."""
    phase, pace = s.random.uniform(0, 6), s.random.uniform(7, 16)
    steps_up = int(s.random.choice([0, 8]))

    def spot(frame: int) -> Point | None:
        if frame < steps_up:
            return None
        rise = 190.0 * max(0.0, 1 - (frame - steps_up) / 8) if steps_up else 0.0
        sway = float(np.sin(frame / pace + phase))
        return 320 + 26 * sway, 5 - rise + 8 * float(np.sin(frame / pace * 1.7))

    s.visit.shopper = spot
    first = s.present(s.product(), 40, 18, spot=s.near((320, 290), 20), side=s.side("left", "right"))
    return s.done(s.present(s.product(), first + 12, 18, spot=s.near((320, 290), 20), side="bottom"))


def _switched(at: int, gain: float, over: int = 0) -> Callable[[int], float]:
    def light(frame: int) -> float:
        share = min(1.0, max(0.0, (frame - at + 1) / (over + 1)))
        return 1.0 + (gain - 1.0) * share

    return light


def light_switched(s: Script) -> Visit:
    """The light goes on, off or half off, while an item is held or just before one comes."""
    s.visit.light = _switched(int(s.random.choice([12, 30])), float(s.random.choice([0.45, 0.65, 1.45])))
    return s.done(s.present(s.product(), s.present(s.product(), 15, 28) + 14, 16))


def light_dimmed(s: Script) -> Visit:
    """A dimmer takes a second or two, while an item is held."""
    s.visit.light = _switched(24, float(s.random.choice([0.5, 0.7, 1.4])), over=int(s.random.integers(8, 20)))
    return s.done(s.present(s.product(), s.present(s.product(), 15, 40) + 14, 16))


def light_one_sided(s: Script) -> Visit:
    """A lamp or the sun lights up one side, and stays."""
    at, strength = int(s.random.choice([12, 30])), float(s.random.uniform(0.3, 0.55))
    edge, columns = float(s.random.uniform(200, 440)), np.arange(WIDTH)
    side = 1 / (1 + np.exp((columns - edge) / 45 * float(s.random.choice([-1, 1]))))

    def light(frame: int) -> np.ndarray | float:
        return 1.0 + strength * side if frame >= at else 1.0

    s.visit.light = light
    return s.done(s.present(s.product(), s.present(s.product(), 15, 30) + 14, 16))


def exposure_drift(s: Script) -> Visit:
    """The camera's exposure hunts up and down all the time."""
    phase = s.random.uniform(0, 6)
    s.visit.light = lambda frame: 1.0 + 0.22 * float(np.sin(frame / 9 + phase))
    return s.done(s.present(s.product(), s.present(s.product(), 15, 25) + 10, 20))


def nudged(s: Script) -> Visit:
    """The camera is pushed by a few pixels to thirty, and stays so; with an item in view or without."""
    at = int(s.random.choice([10, 30]))
    size = float(s.random.choice([3, 8, 15, 30]))
    turn = s.random.uniform(0, 2 * np.pi)
    step = size * float(np.cos(turn)), size * float(np.sin(turn))
    s.visit.shift = lambda frame: step if frame >= at else (0.0, 0.0)
    return s.done(s.present(s.product(), s.present(s.product(), 15, 30) + 25, 16))


def shadowed(s: Script) -> Visit:
    """Items and hands cast soft shadows on the counter."""
    first = s.present(s.product(), 15, 20, shadow=float(s.random.uniform(0.25, 0.45)))
    return s.done(s.present(s.product(), first + 8, 20, shadow=float(s.random.uniform(0.25, 0.45))))


def swapped(s: Script) -> Visit:
    """An item is exchanged for another in the hand, behind the other hand's fingers, without leaving."""
    one = s.product()
    other = s.product(one)
    spot, at = s.near(MIDDLE), 42
    path = s.path(15, 70, spot, "right")
    turn = [key for key in path if key.frame <= 21]
    s.add(one, [*turn, Key(at, *spot)], hand="right", height=205)
    s.add(other, [Key(at + 1, *spot), *path[2:]], hand="right", height=200)
    cover = [Key(at - 5, 330, 660), Key(at - 2, *spot), Key(at + 3, *spot), Key(at + 7, 330, 660)]
    palm = np.full((230, 200, 3), SKIN_TONES[0], np.uint8)
    s.visit.things.append(Thing(palm, None, cover, height=230, hand="bottom", depth=3, blur=0.0))
    return s.done(path[-1].frame)


def twins(s: Script) -> Visit:
    """Two identical items side by side, a hand's breadth apart, from one hand or two."""
    product, gap = s.product(), float(s.random.uniform(200, 250))
    height = 200.0
    one = s.path(15, 20, (320 - gap / 2, 240), "left")
    other = s.path(15 + int(s.random.integers(0, 4)), 20, (320 + gap / 2, 240), "right")
    s.add(product, one, hand="left", height=height)
    s.add(product, other, hand="right", height=height)
    return s.done(other[-1].frame)


def held_long(s: Script) -> Visit:
    """An item is held still for over twenty seconds."""
    tremble = float(s.random.choice([0.3, 2.0]))
    return s.done(s.present(s.product(), s.present(s.product(), 15, 215, tremble=tremble) + 10, 14))


def from_the_start(s: Script) -> Visit:
    """The first frame already shows an item, coming in or held."""
    spot = s.near(MIDDLE)
    away = OUTSIDE["right"]
    first = Key(0, 560, 280) if s.random.random() < 0.5 else Key(0, *spot)
    path = [first, Key(4, *spot), Key(26, *spot, 8), Key(32, *away)]
    s.add(s.product(), path, hand="right")
    return s.done(s.present(s.product(), 48, 16))


def dim_and_noisy(s: Script) -> Visit:
    """Little light and a noisy sensor."""
    gain, s.visit.noise = float(s.random.uniform(0.35, 0.55)), float(s.random.uniform(6, 11))
    s.visit.light = lambda _: gain
    return s.done(s.present(s.product(), s.present(s.product(), 15, 20) + 8, 20))


def restless(s: Script) -> Visit:
    """Items are shaken and smeared by motion nearly all the time, still only for moments."""
    spot, start = s.near(MIDDLE), 15
    keys = [Key(start, *OUTSIDE["right"]), Key(start + 5, *spot)]
    for step in range(7):
        x, y = s.near(spot, 75)
        keys += [Key(keys[-1].frame + 3, x, y, float(s.random.uniform(-15, 15)))]
        if step % 2:
            keys += [Key(keys[-1].frame + 3, x, y, keys[-1].angle)]
    s.add(s.product(), [*keys, Key(keys[-1].frame + 5, *OUTSIDE["right"])], hand="right", blur=0.8)
    return s.done(keys[-1].frame + 5)


def covered_by_fingers(s: Script) -> Visit:
    """Fingers hide a part of the item all the time."""
    first = s.present(s.product(), 15, 20, cover=float(s.random.uniform(0.25, 0.45)))
    return s.done(s.present(s.product(), first + 8, 20, cover=float(s.random.uniform(0.25, 0.45))))


def slid(s: Script) -> Visit:
    """Items are slid over the counter from one side to the other without a stop."""
    y, length = float(s.random.uniform(210, 270)), int(s.random.integers(18, 30))
    s.add(s.product(), [Key(15, -150, y), Key(15 + length, 790, y + 20)], hand="left", tremble=1.0)
    start = 15 + length + 6
    s.add(s.product(), [Key(start, 790, y), Key(start + length, -150, y)], hand="right", tremble=1.0)
    return s.done(start + length)


def bare_hands(s: Script) -> Visit:
    """Empty hands wave and point, a palm is shown, an unregistered object is held; one item too."""
    for start, side in ((15, "left"), (40, "right")):
        spot = s.near(MIDDLE, 60)
        keys = s.path(start, 10, spot, side)
        keys[2:2] = [Key(start + 9, *s.near(spot, 40))]
        s.visit.things.append(Thing(None, None, keys, hand=side, skin=SKIN_TONES[s.random.integers(3)]))
    palm = np.full((200, 150, 3), SKIN_TONES[s.random.integers(3)], np.uint8)
    path = s.path(66, 14, s.near(MIDDLE), "bottom")
    s.visit.things.append(Thing(palm, None, path, height=190, hand="bottom"))
    stranger = s.present(None, 98, 16)
    return s.done(s.present(s.product(), stranger + 10, 16))


def shown_again(s: Script) -> Visit:
    """The same item, or another of its kind, is shown again within a second."""
    product = s.product()
    first = s.present(product, 15, 14, side="right")
    return s.done(s.present(product, first + int(s.random.integers(0, 5)), 14, side=s.side()))


def connection_lost(s: Script) -> Visit:
    """Frames stop for one to ten seconds; meanwhile the item stays, moves, leaves, or another comes."""
    one = s.product()
    other, pause = s.product(one), float(s.random.choice([1.0, 4.0, 10.0]))
    spot, case = s.near(MIDDLE, 20), str(s.random.choice(["stays", "moves", "leaves", "replaced"]))
    path = s.path(15, 18, spot, "right")
    if case in ("leaves", "replaced"):
        s.add(one, [*path[:2], Key(36, *spot)], hand="right")
        if case == "replaced":
            s.add(other, [Key(37, *spot), Key(60, *spot), Key(66, *OUTSIDE["right"])], hand="right")
    else:
        x, y = spot if case == "stays" else s.near(spot, 90)
        keys = [*path[:2], Key(36, *spot), Key(37, x, y), Key(60, x, y), Key(66, *OUTSIDE["right"])]
        s.add(one, keys, hand="right")
    visit = s.done(s.present(s.product(one), 76, 14))
    visit.times_s = [frame / 10 + (pause if frame > 36 else 0.0) for frame in range(visit.frames)]
    return visit


def into_the_cart(s: Script) -> Visit:
    """Items are put into a cart on the right, one is taken out again, one only passes by on the left."""
    s.visit.zone = (0.5, 0.0, 0.5, 1.0)
    kept = s.product()
    back = s.product(kept)
    passing = s.product(kept, back)
    start = 15
    for product, comes_back in ((kept, False), (back, False), (back, True)):
        away, spot = (150.0, -190.0), s.near((470, 240), 25)
        keys = [Key(start, *away), Key(start + 8, 170, 230), Key(start + 13, 170, 230)]
        keys += [Key(start + 25, *spot), Key(start + 38, *spot)]
        if comes_back:
            keys = [Key(start + 63 - key.frame + start, key.x, key.y) for key in reversed(keys)]
            keys = [Key(key.frame - 25, key.x, key.y) for key in keys]
        s.add(product, keys, hand="top", tremble=2.0, height=185)
        start = keys[-1].frame + 14
    keys = [Key(start, 130, -190), Key(start + 8, 150, 240), Key(start + 22, 150, 250)]
    s.add(passing, [*keys, Key(start + 30, 140, 660)], hand="top", height=185)
    return s.done(start + 30, cart={kept: 1})


def _put_down(s: Script, product: str | None, start: int, spot: Point, end: int, **how: Any) -> Thing:
    """Bring an object in, put it down, and take the hand away; it stays there until the end."""
    tilt = float(s.random.uniform(-12, 12))
    keys = [Key(start, spot[0], 660, tilt), Key(start + 7, *spot, tilt), Key(end, *spot, tilt)]
    how = {"height": 165.0, "hand": "bottom", "hand_frames": [(start, start + 9)], **how}
    return s.add(product, keys, **how)


def on_the_tray(s: Script) -> Visit:
    """Items are put down one after another and stay; a stranger among them."""
    products = [s.product(), s.product(), None]
    spots = [(130.0, 330.0), (320.0, 330.0), (510.0, 330.0)]
    for number, (product, spot) in enumerate(zip(products, spots, strict=True)):
        _put_down(s, product, 15 + 24 * number, s.near(spot, 12), 130)
    return s.done(100, tray=dict(s.counted))


def off_the_tray(s: Script) -> Visit:
    """Two items are put down, one of them is removed again."""
    gone, kept = s.product(), s.product()
    spot = s.near((190, 320), 12)
    tilt = 4.0
    keys = [Key(15, spot[0], 660, tilt), Key(22, *spot, tilt), Key(62, *spot, tilt)]
    hand_frames = [(15, 24), (58, 80)]
    s.add(gone, [*keys, Key(70, spot[0], 660, tilt)], hand="bottom", hand_frames=hand_frames, height=165)
    _put_down(s, kept, 34, s.near((450, 320), 12), 130)
    return s.done(95, tray={kept: 1})


def hand_over_the_tray(s: Script) -> Visit:
    """An arm lies over an item on the tray for some seconds."""
    spot = s.near((320, 320), 12)
    _put_down(s, s.product(), 15, spot, 150)
    palm = np.full((240, 230, 3), SKIN_TONES[1], np.uint8)
    path = [Key(40, 330, 700), Key(46, *spot), Key(76, *spot), Key(82, 330, 700)]
    s.visit.things.append(Thing(palm, None, path, height=250, hand="bottom", depth=5, skin=SKIN_TONES[1]))
    return s.done(100, tray=dict(s.counted))


def stacked_on_the_tray(s: Script) -> Visit:
    """A second item is put half on top of the first."""
    one = s.product()
    _put_down(s, one, 15, (270, 320), 150)
    _put_down(s, s.product(one), 45, (270 + float(s.random.uniform(65, 95)), 310), 150, depth=2)
    return s.done(90, tray=dict(s.counted))


def moved_on_the_tray(s: Script) -> Visit:
    """An item on the tray is pushed elsewhere."""
    keys = [Key(15, 180, 660), Key(22, 180, 320), Key(45, 180, 320), Key(55, 430, 300), Key(130, 430, 300)]
    s.add(s.product(), keys, hand="bottom", hand_frames=[(15, 24), (43, 58)], height=165)
    return s.done(95, tray=dict(s.counted))


KINDS: dict[str, Callable[[Script], Visit]] = {
    write.__name__: write
    for write in (
        two_hands,
        crossing,
        stacking,
        shopper_behind,
        light_switched,
        light_dimmed,
        light_one_sided,
        exposure_drift,
        nudged,
        shadowed,
        swapped,
        twins,
        held_long,
        from_the_start,
        dim_and_noisy,
        restless,
        covered_by_fingers,
        slid,
        bare_hands,
        shown_again,
        connection_lost,
        into_the_cart,
        on_the_tray,
        off_the_tray,
        hand_over_the_tray,
        stacked_on_the_tray,
        moved_on_the_tray,
    )
}


def visit_of(kind: str, seed: int, shelf: Shelf | None = None) -> Visit:
    """Build the visit of a kind and a seed; the same ones give the same visit."""
    return KINDS[kind](Script(kind, shelf or drawn_shelf(), seed))


def photographed_shelf(folder: Path, seed: int, products: int = 12, strangers: int = 6) -> Shelf:
    """Cut the middles of photos in class folders out as products."""
    random = np.random.default_rng(seed)
    classes: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.jpg")):
        classes.setdefault(path.parent.name, []).append(path)
    names = [str(name) for name in random.permutation(sorted(classes))]

    def cut(path: Path) -> Image:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        side = int(min(image.shape[:2]) * 0.92)
        wide = int(side * random.uniform(0.72, 1.0))
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - wide) // 2
        return cv2.resize(image[top : top + side, left : left + wide], None, fx=0.6, fy=0.6)

    known = {name: [cut(path) for path in classes[name][:4]] for name in names[:products]}
    others = [cut(classes[name][0]) for name in names[products : products + strangers]]
    return Shelf(known, others)


def seen_in(labels: Labels, visit: Visit) -> list[dict[str, object]]:
    """List what a frame shows, each with its product and its box relative to the frame."""
    height, width = labels.shape
    found: list[dict[str, object]] = []
    for number in np.unique(labels[labels >= 0]):
        rows, columns = np.nonzero(labels == number)
        box = [columns.min() / width, rows.min() / height, np.ptp(columns) / width, np.ptp(rows) / height]
        product = visit.things[number].product
        found.append({"product": product, "box": [round(float(side), 4) for side in box]})
    return found


def write_visit(visit: Visit, folder: Path) -> dict[str, object]:
    """Write a visit's frames as JPEG; return its truth."""
    folder.mkdir(parents=True, exist_ok=True)
    camera, seen = Camera(visit), []
    for index in range(visit.frames):
        image, labels = camera.frame(index)
        seen.append(seen_in(labels, visit))
        quality = [cv2.IMWRITE_JPEG_QUALITY, 80]
        cv2.imwrite(str(folder / f"{index:04d}.jpg"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    ((mode, cart),) = visit.carts.items()
    shown = [
        {"first": thing.path[0].frame, "last": thing.path[-1].frame, "product": thing.product}
        for thing in visit.things
        if thing.art is not None
    ]
    return {
        "name": folder.name,
        "kind": visit.kind,
        "frames": visit.frames,
        "mode": mode,
        "zone": visit.zone,
        "cart": cart,
        "unknown_shown": sum(event["product"] is None for event in shown),
        "events": shown,
        "times_s": [visit.time_s(index) for index in range(visit.frames)],
        "seen": seen,
    }


def main() -> None:
    """Write visits of every kind into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, help="class folders of photos; else drawn packs")
    parser.add_argument("--each", type=int, default=2, help="visits of each kind")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    shelf = photographed_shelf(arguments.photos, arguments.seed) if arguments.photos else drawn_shelf()
    visits = []
    for kind in KINDS:
        for number in range(arguments.each):
            seed = 1000 * arguments.seed + number
            visits.append(write_visit(visit_of(kind, seed, shelf), arguments.out / f"{kind}-{number:02d}"))
            print(visits[-1]["name"], visits[-1]["frames"], flush=True)  # noqa: T201 - progress of a command
    (arguments.out / "truth.json").write_text(json.dumps({"fps": 10, "visits": visits}, indent=1))


if __name__ == "__main__":
    main()
