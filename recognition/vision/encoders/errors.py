"""Errors of loading an encoder; each message says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class EncoderError(Exception):
    """An encoder cannot be used; the message is fit for staff to read."""


class UnknownEncoder(EncoderError):
    """The name is none of the registry's."""

    def __init__(self, *, name: str, allowed: Sequence[str]) -> None:
        self.name = name
        self.allowed = tuple(allowed)
        super().__init__(f"there is no encoder {name!r}: use one of {', '.join(self.allowed)}")


class WeightsMissing(EncoderError):
    """An encoder was asked for by name and its weights are not on this machine."""

    def __init__(self, *, name: str, missing: Sequence[str]) -> None:
        self.name = name
        self.missing = tuple(missing)
        super().__init__(
            f"encoder {name!r} is missing {'; '.join(self.missing)}: "
            f"fetch it with `manage.py fetch_models {name}`"
        )


class TorchvisionUnusable(EncoderError):
    """A DINOv3 and CLIP encoder was asked for, and torchvision cannot be imported beside this torch."""

    def __init__(self, *, name: str, fact: str, remedy: str) -> None:
        self.name = name
        self.remedy = remedy
        super().__init__(
            f"encoder {name!r} cannot be loaded: {fact}; run `{remedy}`, or use compact, which needs no "
            "torchvision"
        )


class WeightsDamaged(EncoderError):
    """A weights file is there but is not what the network needs."""

    def __init__(self, *, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"the weights in {path} cannot be used: {reason}; delete the file and fetch them again"
        )
