"""Fetches the published checkpoints that encoders need, and verifies them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recognition.vision.encoders.checkpoints import ENCODER_PARTS, Checkpoint, Source
from recognition.vision.encoders.errors import UnknownEncoder
from recognition.vision.encoders.fetch.hub import HubFetcher, Report
from recognition.vision.encoders.fetch.results import FetchResult
from recognition.vision.encoders.registry import COMPACT, ENCODER_NAMES


def fetch(
    names: Sequence[str],
    *,
    models_dir: Path | None,
    token: str | None = None,
    report: Report = print,
    source: Source = "timm",
    endpoint: str | None = None,
) -> list[FetchResult]:
    """Download what the named encoders need and is not there yet, and verify all of it.

    Every file is compared with the hub's checksum, every weights file opened and its tensors measured. One
    checkpoint's problem does not stop the others.

    Parameters
    ----------
    names : encoder names; ``compact`` ships with the project and needs nothing
    models_dir : where to put ``OWNER/NAME`` folders, or None for the hub's own cache
    token : an access token for gated repositories; None uses HF_TOKEN or a stored login, if any
    report : receives a line for each step
    source : where DINOv3 comes from: timm's copies, which need no form, or the gated originals
    endpoint : another address of the hub; None uses HF_ENDPOINT or the public one

    Returns
    -------
    One result for each checkpoint, in the order asked for

    Raises
    ------
    UnknownEncoder
        Before anything is downloaded.
    """
    for name in names:
        if name not in ENCODER_NAMES:
            raise UnknownEncoder(name=name, allowed=ENCODER_NAMES)
    hub = HubFetcher(models_dir=models_dir, token=token, report=report, endpoint=endpoint)
    wanted: dict[str, Checkpoint] = {}
    results = []
    for name in names:
        if name == COMPACT:
            detail = "compact ships with the project: there is nothing to fetch"
            results.append(
                FetchResult(repo=COMPACT, folder=None, state="present", problem=None, detail=detail)
            )
        else:
            wanted |= {checkpoint.repo: checkpoint for checkpoint in ENCODER_PARTS[name].wanted(source)}
    results += [hub.obtain(checkpoint) for checkpoint in wanted.values()]
    for result in results:
        report(result.detail)
    return results
