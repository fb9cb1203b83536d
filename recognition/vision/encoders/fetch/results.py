"""How the fetching of one checkpoint went."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recognition.vision.encoders.checkpoints import Located
from recognition.vision.encoders.fetch.refusals import Problem


@dataclass(frozen=True)
class FetchResult:
    """How one checkpoint fared.

    Attributes
    ----------
    problem : what stood in the way, or None when the checkpoint is there and sound
    detail : one sentence for staff
    """

    repo: str
    folder: Path | None
    state: Literal["downloaded", "present", "failed"]
    problem: Problem | None
    detail: str


def result_good(located: Located, state: Literal["downloaded", "present"], detail: str) -> FetchResult:
    """Return the result of a checkpoint that is complete and sound."""
    return FetchResult(
        repo=located.checkpoint.repo, folder=located.folder, state=state, problem=None, detail=detail
    )
