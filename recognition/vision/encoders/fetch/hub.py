"""Gets checkpoints from a Hugging Face hub, file by file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.utils.tqdm import tqdm as hub_progress

from recognition.vision.encoders.checkpoints import Checkpoint, Located, locate
from recognition.vision.encoders.fetch.files import (
    check_room,
    check_tensors,
    file_delete,
    same_as_hub,
    size_readable,
)
from recognition.vision.encoders.fetch.refusals import FetchRefused, refusal_of
from recognition.vision.encoders.fetch.results import FetchResult, result_good
from recognition.vision.encoders.registry import DIGESTS_FILE

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

Report = Callable[[str], None]


class TerminalProgress(hub_progress):
    """A progress bar on terminals only: in a log file every step of it would be a line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("disable"):
            kwargs["disable"] = None
        super().__init__(*args, **kwargs)


class HubFetcher:
    """Gets checkpoints from one hub into one place."""

    def __init__(
        self, *, models_dir: Path | None, token: str | None, report: Report, endpoint: str | None
    ) -> None:
        self._models_dir = models_dir
        self._token = token
        self._report = report
        self._endpoint = endpoint or constants.ENDPOINT
        self._digests = None if models_dir is None else models_dir / DIGESTS_FILE

    def obtain(self, checkpoint: Checkpoint) -> FetchResult:
        """Make sure of one checkpoint; a problem becomes a result, never an exception."""
        try:
            return self._obtain(checkpoint)
        except (OSError, httpx2.HTTPError, FetchRefused) as error:
            refusal = refusal_of(error, checkpoint.repo, self._endpoint, self._place(checkpoint))
        here = locate(checkpoint, self._models_dir)
        if here is not None and refusal.problem in ("unreachable", "offline"):
            detail = f"{checkpoint.repo} is there; it could not be compared with the hub: {refusal}"
            return result_good(here, "present", detail)
        return FetchResult(
            repo=checkpoint.repo, folder=None, state="failed", problem=refusal.problem, detail=str(refusal)
        )

    def _obtain(self, checkpoint: Checkpoint) -> FetchResult:
        here = locate(checkpoint, self._models_dir)
        if here is not None and self._is_sound(here):
            return result_good(here, "present", f"{checkpoint.repo} is there and sound")
        located = self._download(checkpoint)
        return result_good(located, "downloaded", f"{checkpoint.repo} is ready in {located.folder}")

    def _place(self, checkpoint: Checkpoint) -> str:
        return "the hub's cache" if self._models_dir is None else str(self._models_dir / checkpoint.repo)

    def _is_sound(self, located: Located) -> bool:
        """Whether files already here are whole; those that are not are deleted."""
        try:
            check_tensors(located)
        except FetchRefused as refusal:
            self._report(f"{refusal}; fetching it again")
            return False
        names = {*located.checkpoint.config_files, located.weights.name}
        for sibling in _files(self._listing(located.checkpoint), names):
            if not same_as_hub(located.folder / sibling.rfilename, sibling, digests=self._digests):
                self._report(
                    f"{located.folder / sibling.rfilename} differs from the hub's: fetching it again"
                )
                file_delete(located.folder / sibling.rfilename)
                return False
        return True

    def _download(self, checkpoint: Checkpoint) -> Located:
        listing = self._listing(checkpoint)
        offered = {sibling.rfilename for sibling in listing.siblings or ()}
        weights = next((name for name in checkpoint.weight_files if name in offered), None)
        lacking = [name for name in checkpoint.config_files if name not in offered]
        if weights is None or lacking:
            wanted = ", ".join(lacking or checkpoint.weight_files)
            raise FetchRefused("not_found", f"{checkpoint.repo} no longer offers {wanted}")
        files = list(_files(listing, {*checkpoint.config_files, weights}))
        check_room(
            self._models_dir or Path(constants.HF_HUB_CACHE), sum(sibling.size or 0 for sibling in files)
        )
        self._report(f"{checkpoint.repo}, licence: {checkpoint.licence}")
        for sibling in files:
            self._download_file(checkpoint, sibling)
        located = locate(checkpoint, self._models_dir)
        if located is None:
            raise FetchRefused(
                "damaged", f"{checkpoint.repo} is not complete after the download: run it again"
            )
        check_tensors(located)
        return located

    def _download_file(self, checkpoint: Checkpoint, sibling: RepoSibling) -> None:
        self._report(f"  {sibling.rfilename} ({size_readable(sibling.size or 0)})")
        path = hf_hub_download(
            checkpoint.repo,
            sibling.rfilename,
            local_dir=None if self._models_dir is None else self._models_dir / checkpoint.repo,
            token=self._token,
            endpoint=self._endpoint,
            tqdm_class=TerminalProgress,
        )
        if not same_as_hub(Path(path), sibling, digests=self._digests):
            file_delete(Path(path))
            raise FetchRefused(
                "damaged",
                f"{sibling.rfilename} of {checkpoint.repo} arrived damaged (its checksum is not the hub's) "
                "and was deleted: run the command again",
            )

    def _listing(self, checkpoint: Checkpoint) -> ModelInfo:
        return HfApi(endpoint=self._endpoint, token=self._token).model_info(
            checkpoint.repo, files_metadata=True, timeout=20
        )


def _files(listing: ModelInfo, names: Iterable[str]) -> Iterator[RepoSibling]:
    wanted = set(names)
    return (sibling for sibling in listing.siblings or () if sibling.rfilename in wanted)
