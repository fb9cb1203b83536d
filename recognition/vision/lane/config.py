"""How one till watches and counts: all that can be set of a lane."""

from __future__ import annotations

from dataclasses import dataclass, field

from recognition.vision.lane.tracking import TrackingConfig
from recognition.vision.lane.voting import CountingConfig, Mode
from recognition.vision.scene.foreground import ForegroundConfig
from recognition.vision.types import WHOLE_FRAME, Box

MODES: tuple[Mode, ...] = ("scan", "cart", "tray")


@dataclass(frozen=True)
class LaneConfig:
    """How one till watches and counts.

    Attributes
    ----------
    zone : where items count, relative to the frame
    steady : an item that moves more than this share of its size between two frames is too blurred to look at
    rest_s : in ``tray`` an item counts once it lies still this long
    lay_s : in ``tray`` what lies still this long becomes part of the counter, to see what is put on it
    let_go_s : an unknown thing that lies still this long becomes part of the counter
    gap_s : a longer pause between two frames counts as this long, so that a broken connection ends no track
    lives_max : ended tracks that are remembered for questions and explanations
    """

    mode: Mode = "scan"
    zone: Box = WHOLE_FRAME
    steady: float = 0.3
    rest_s: float = 0.4
    lay_s: float = 1.5
    let_go_s: float = 20.0
    gap_s: float = 0.5
    lives_max: int = 200
    presence: ForegroundConfig = field(default_factory=ForegroundConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    counting: CountingConfig = field(default_factory=CountingConfig)
