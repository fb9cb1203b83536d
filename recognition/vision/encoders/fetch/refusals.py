"""Why a download fails, in messages that say what to do."""

from __future__ import annotations

import errno
from typing import Literal

from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

Problem = Literal["gated", "token", "unreachable", "offline", "not_found", "disk_full", "damaged", "hub"]

# The library says "no such local entry" when it could not ask the hub.
UNREACHED = (LocalEntryNotFoundError, ConnectionError, TimeoutError)


class FetchRefused(Exception):
    """A checkpoint cannot be fetched; `problem` is the kind of reason, the message says what to do."""

    def __init__(self, problem: Problem, detail: str) -> None:
        self.problem: Problem = problem
        super().__init__(detail)


def refusal_of(error: Exception, repo: str, endpoint: str, place: str) -> FetchRefused:
    """Translate what the download library raised.

    Parameters
    ----------
    repo, endpoint : what was asked of whom
    place : where the checkpoint was to be put
    """
    if isinstance(error, FetchRefused):
        return error
    if isinstance(error, OfflineModeIsEnabled):
        return FetchRefused("offline", "HF_HUB_OFFLINE forbids downloads: unset it")
    if isinstance(error, HfHubHTTPError):
        return _answer_refused(error, repo, endpoint)
    if isinstance(error, OSError) and not isinstance(error, UNREACHED):
        return _storing_failed(error, repo)
    reason = _first_line(error.__cause__ or error)
    return FetchRefused(
        "unreachable",
        f"{endpoint} cannot be reached ({reason}): check the connection and HTTPS_PROXY, or copy {repo} "
        f"from another machine to {place}",
    )


def _storing_failed(error: OSError, repo: str) -> FetchRefused:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FetchRefused("disk_full", f"the disk is full: free some space and run it again ({error})")
    return FetchRefused("damaged", f"{repo} could not be stored whole: {_first_line(error)}; run it again")


def _answer_refused(error: HfHubHTTPError, repo: str, endpoint: str) -> FetchRefused:
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return FetchRefused(
            "gated",
            f"{repo} is gated: accept the form at {endpoint}/{repo} (an answer may take days), then make a "
            f"token at {endpoint}/settings/tokens and set HF_TOKEN; timm's copy of the network needs no form",
        )
    if isinstance(error, RepositoryNotFoundError):
        return FetchRefused(
            "not_found", f"{endpoint} has no model {repo}, or none it shows without a valid token"
        )
    if isinstance(error, EntryNotFoundError):
        return FetchRefused("not_found", f"the hub no longer has a file of {repo}: {_first_line(error)}")
    if status in (401, 403):
        return FetchRefused("token", f"{endpoint} refuses the token: check HF_TOKEN ({_first_line(error)})")
    return FetchRefused("hub", f"{endpoint} answered {status}: try again later")


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
