"""Collects the lives of the items of a played visit from the server's explanations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from checkout.payloads import DetectionPayload, StoryEvent, View


@dataclass
class ItemLife:
    """The life of one track.

    `first_frame` and `last_frame` count the frames sent, from 1; views and story those processed, from 0.
    """

    track: int
    first_frame: int
    last_frame: int = 0
    sightings: int = 0
    inside: bool = True
    verdict: str = ""
    views: dict[int, View] = field(default_factory=dict)
    story: list[StoryEvent] = field(default_factory=list)

    def take(self, frame: int, found: DetectionPayload) -> None:
        """Take in the explanation sent with a frame: the newest views and events."""
        why = found["why"]
        self.last_frame = frame
        self.sightings, self.inside = why["sightings"], why["inside"]
        self.verdict = " ".join(filter(None, (found["state"], found["name"])))
        self.views |= {view["frame"]: view for view in why["views"]}
        self.story += [event for event in why["story"] if event not in self.story]

    def lines(self) -> Iterator[str]:
        """Yield its life as lines of text."""
        zone_note = "" if self.inside else ", last outside of the zone"
        yield (
            f"  track {self.track}: frames {self.first_frame} to {self.last_frame}, "
            f"seen {self.sightings} times{zone_note}: {self.verdict}"
        )
        for view in self.views.values():
            yield (
                f"    view in frame {view['frame']}: {view['state']} {view['name'] or '-'}, "
                f"score {view['score']:.3f}, margin {view['margin']:.3f}, quality {view['quality']:.2f}"
            )
        yield from (f"    {event['text']}" for event in self.story)


@dataclass
class Lives:
    """The lives of all items of a visit, and the changes of the cart, in order."""

    items: dict[int, ItemLife] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    def take(self, message: dict[str, Any], *, after_frame: int) -> None:
        """Take in a message of the socket."""
        if message["type"] == "frame.result":
            frame = message["frame"]
            for found in message["detections"]:
                life = self.items.setdefault(found["track"], ItemLife(found["track"], frame))
                life.take(frame, found)
        elif message["type"] == "cart.updated":
            event = message["event"]
            instead = f", instead {event['instead_name']}" if "instead_name" in event else ""
            self.changes.append(
                f"  after frame {after_frame}: {event['action']} {event['quantity']} x {event['name']} "
                f"({event['source']}){instead}"
            )
        elif message["type"] == "barcode.seen":
            on = "beside all items" if message["track"] is None else f"on track {message['track']}"
            self.changes.append(
                f"  after frame {after_frame}: barcode {message['code']} {on}, "
                f"{message['name'] or 'no product'}"
            )

    def lines(self) -> Iterator[str]:
        """Yield the lives and the changes as lines of text."""
        for track in sorted(self.items):
            yield from self.items[track].lines()
        yield from self.changes

    def as_json(self) -> list[dict[str, Any]]:
        """Return the lives as JSON takes them."""
        return [{**vars(life), "views": list(life.views.values())} for _, life in sorted(self.items.items())]
