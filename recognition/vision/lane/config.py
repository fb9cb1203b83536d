"""The configuration of a lane."""

from __future__ import annotations

from dataclasses import dataclass, field

from recognition.vision.lane.tracking import TrackingConfig
from recognition.vision.lane.voting import CountingConfig, Mode
from recognition.vision.scene.foreground import ForegroundConfig
from recognition.vision.types import WHOLE_FRAME, Box

MODES: tuple[Mode, ...] = ("scan", "cart", "tray")


@dataclass(frozen=True)
class LaneConfig:
    """How a lane tracks and counts items.

    Attributes
    ----------
    zone : where items count, relative to the frame
    steady : an item that moves by more than this share of its size in an eighth of a second is too blurred to
        embed; from one frame to the next where less time has passed
    rest_s : in ``tray`` an item counts once it has lain still this long
    rest_into_background_s : in ``tray`` a counted item that has lain still this long becomes part of the
        background, so that items put on it are seen
    unknown_into_background_s : an unknown item that has lain still this long becomes part of the background
    gap_s : a longer pause between two frames counts as this long, so that a broken connection ends no track
    lives_max : ended tracks that are kept for questions and explanations
    """

    mode: Mode = "scan"
    zone: Box = WHOLE_FRAME
    steady: float = 0.3
    rest_s: float = 0.4
    rest_into_background_s: float = 1.5
    unknown_into_background_s: float = 20.0
    gap_s: float = 0.5
    lives_max: int = 200
    foreground: ForegroundConfig = field(default_factory=ForegroundConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    counting: CountingConfig = field(default_factory=CountingConfig)
