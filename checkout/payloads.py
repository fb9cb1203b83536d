"""The JSON that checkout sends over REST and the socket; money is text ("2.50"), scores are numbers."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class CartLine(TypedDict):
    """One product in the cart; `image` is the address of its first photo."""

    product_id: str
    name: str
    quantity: int
    unit_price: str | None
    avg_score: float | None
    source: str
    image: str | None


class Choice(TypedDict):
    """A product offered in a question; `price` is null where it has none."""

    product_id: str
    name: str
    image: str | None
    price: str | None


class UnresolvedLine(TypedDict):
    """An item that was shown and left without an outcome; `image` is the address of the camera's picture.

    `track` is its number in the answers to the frames of the camera that saw it.
    """

    id: str
    kind: str
    track: int | None
    image: str | None
    choices: list[Choice]
    created_at: str


class Cart(TypedDict):
    """The cart; `total_amount` is null while any line has no price.

    `unresolved` are the items that the camera saw leave neither added nor given back, the oldest first.
    """

    items: list[CartLine]
    total_items: int
    total_amount: str | None
    currency: str
    unresolved: list[UnresolvedLine]


class CartEvent(TypedDict):
    """What changed the cart; `sync` means that the cart was read again, for a change with nothing to tell.

    A correction took out one piece of the product and put in one of `instead_id`, if that is there; undoing
    it names both again and goes the other way. `about` is the change that was undone, or the addition that
    was corrected. For `unresolved` an item left without an outcome, for `dismiss` it was given up; both name
    it by `unresolved_id` and no product. An addition that resolved one is `about` it.
    """

    id: str
    action: Literal["add", "remove", "correct", "undo", "sync", "unresolved", "dismiss"]
    product_id: str | None
    name: str
    quantity: int
    source: str
    undoable: bool
    instead_id: NotRequired[str]
    instead_name: NotRequired[str]
    about: NotRequired[str]
    unresolved_id: NotRequired[str]


class SessionInfo(TypedDict):
    """A checkout session; `order_id` is set once it was confirmed."""

    session_id: str
    status: str
    created_at: str
    last_active: str
    order_id: str | None


class Limits(TypedDict):
    """What a client may send, and (`pace_ms`) how long to wait from one frame to the next to begin with.

    A PNG or WebP has at most `max_decoded_bytes` once decoded, at 4 a pixel.
    """

    max_frame_bytes: int
    max_pixels: int
    max_decoded_bytes: int
    max_fps: int
    max_quantity: int
    pace_ms: int


class SessionReady(TypedDict):
    """The first message of every socket; `zone` is x, y, width, height relative to the frame."""

    type: Literal["session.ready"]
    protocol: int
    session: SessionInfo
    cart: Cart
    encoder: str | None
    mode: str
    zone: list[float]
    limits: Limits


class View(TypedDict):
    """What one view of an item was taken for; `name` is null where it matched no product."""

    frame: int
    state: str
    name: str | None
    score: float
    margin: float
    quality: float


class StoryEvent(TypedDict):
    """Something that happened to an item: a code with its data, and a sentence that says it.

    `text` is in the language of the page that asks, and in English for other programs. A parameter is a
    product (`product_id`), products (`product_ids`), a number, or another code with its data (`because`).
    """

    frame: int
    code: str
    params: dict[str, Any]
    text: str


class Why(TypedDict):
    """Why an item is taken for a product: how often it was seen, its last views, what happened to it."""

    sightings: int
    views: list[View]
    story: list[StoryEvent]
    inside: bool


class FrameDebug(TypedDict):
    """What was found in a frame; boxes as in a detection, `changed` whether anything in view is new."""

    zone: list[float]
    proposals: list[list[float]]
    changed: bool


class DetectionPayload(TypedDict):
    """An item seen in a frame; `box` is x, y, width, height relative to the frame."""

    track: int
    box: list[float]
    state: str
    product_id: str | None
    name: str | None
    score: float | None
    margin: float | None
    choices: list[Choice]
    why: NotRequired[Why]


class FrameResult(TypedDict):
    """The answer to one frame; `dropped` counts the frames skipped since the last answer.

    `pace_ms` is how long to wait from one frame to the next: a client that sends more loses what is too much.
    `debug`, and `why` of each detection, are there while debugging is on (`debug.set`).
    """

    type: Literal["frame.result"]
    frame: int
    dropped: int
    detections: list[DetectionPayload]
    timing_ms: dict[str, float]
    pace_ms: NotRequired[int]
    debug: NotRequired[FrameDebug]


class CartUpdated(TypedDict):
    """The cart after a change."""

    type: Literal["cart.updated"]
    event: CartEvent
    cart: Cart


class BarcodeSeen(TypedDict):
    """A barcode was read in a frame; sent once for each item that carries it.

    `product_id` is null for a code that no product on sale has, `track` for a code beside all items. `agrees`
    says whether the picture was taken for the same product; null where it was taken for none.
    """

    type: Literal["barcode.seen"]
    code: str
    track: int | None
    product_id: str | None
    name: str | None
    agrees: bool | None


class BarcodeAdded(TypedDict):
    """The answer to a `barcode` command whose id was used before: the change was made then."""

    type: Literal["barcode.added"]
    event_id: str


class SessionMoved(TypedDict):
    """The last message of a socket of a page: its session goes on in another browser of the account."""

    type: Literal["session.moved"]


class SessionClosed(TypedDict):
    """The last message of a socket whose session ended."""

    type: Literal["session.closed"]
    status: str
    order_id: str | None


class ErrorMessage(TypedDict):
    """A refusal; the socket stays open. `frame`, `dropped` and `pace_ms` stand in answers to frames."""

    type: Literal["error"]
    code: str
    detail: str
    frame: NotRequired[int]
    dropped: NotRequired[int]
    pace_ms: NotRequired[int]
    data: NotRequired[dict[str, object]]
