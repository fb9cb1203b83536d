"""Downloads the published checkpoints, verifies them, and says in plain words what stands in the way."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Literal

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.utils.tqdm import tqdm as hub_progress
from safetensors import SafetensorError, safe_open

from recognition.vision.encoders.checkpoints import ENCODER_PARTS, Checkpoint, Located, Source, locate
from recognition.vision.encoders.errors import UnknownEncoder
from recognition.vision.encoders.fetch.refusals import FetchRefused, Problem, refusal_of
from recognition.vision.encoders.fingerprint import file_digest
from recognition.vision.encoders.registry import COMPACT, DIGESTS_FILE, ENCODER_NAMES

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

Report = Callable[[str], None]


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


class TerminalProgress(hub_progress):
    """A progress bar on terminals only: in a log file every step of it would be a line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("disable"):
            kwargs["disable"] = None
        super().__init__(*args, **kwargs)


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


class HubFetcher:
    """Gets checkpoints from one hub into one place."""

    def __init__(
        self, *, models_dir: Path | None, token: str | None, report: Report, endpoint: str | None
    ) -> None:
        self._models_dir = models_dir
        self._token = token
        self._report = report
        self._endpoint = endpoint or constants.ENDPOINT

    def obtain(self, checkpoint: Checkpoint) -> FetchResult:
        """Make sure of one checkpoint; a problem becomes a result, never an exception."""
        try:
            return self._obtain(checkpoint)
        except (OSError, httpx2.HTTPError, FetchRefused) as error:
            refusal = refusal_of(error, checkpoint.repo, self._endpoint, self._place(checkpoint))
        here = locate(checkpoint, self._models_dir)
        if here is not None and refusal.problem in ("unreachable", "offline"):
            detail = f"{checkpoint.repo} is there; it could not be compared with the hub: {refusal}"
            return _good(here, "present", detail)
        return FetchResult(
            repo=checkpoint.repo, folder=None, state="failed", problem=refusal.problem, detail=str(refusal)
        )

    def _obtain(self, checkpoint: Checkpoint) -> FetchResult:
        here = locate(checkpoint, self._models_dir)
        if here is not None and self._stands(here):
            return _good(here, "present", f"{checkpoint.repo} is there and sound")
        located = self._download(checkpoint)
        return _good(located, "downloaded", f"{checkpoint.repo} is ready in {located.folder}")

    def _place(self, checkpoint: Checkpoint) -> str:
        return "the hub's cache" if self._models_dir is None else str(self._models_dir / checkpoint.repo)

    def _stands(self, located: Located) -> bool:
        """Whether files already here are whole; those that are not are deleted."""
        try:
            check_tensors(located)
        except FetchRefused as refusal:
            self._report(f"{refusal}; fetching it again")
            return False
        names = {*located.checkpoint.config_files, located.weights.name}
        for sibling in _files(self._listing(located.checkpoint), names):
            if not self._same_as_hub(located.folder / sibling.rfilename, sibling):
                self._report(
                    f"{located.folder / sibling.rfilename} differs from the hub's: fetching it again"
                )
                _delete(located.folder / sibling.rfilename)
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
        self._check_room(sum(sibling.size or 0 for sibling in files))
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
        self._report(f"  {sibling.rfilename} ({_readable(sibling.size or 0)})")
        path = hf_hub_download(
            checkpoint.repo,
            sibling.rfilename,
            local_dir=None if self._models_dir is None else self._models_dir / checkpoint.repo,
            token=self._token,
            endpoint=self._endpoint,
            tqdm_class=TerminalProgress,
        )
        if not self._same_as_hub(Path(path), sibling):
            _delete(Path(path))
            raise FetchRefused(
                "damaged",
                f"{sibling.rfilename} of {checkpoint.repo} arrived damaged (its checksum is not the hub's) "
                "and was deleted: run the command again",
            )

    def _listing(self, checkpoint: Checkpoint) -> ModelInfo:
        return HfApi(endpoint=self._endpoint, token=self._token).model_info(
            checkpoint.repo, files_metadata=True, timeout=20
        )

    def _check_room(self, needed_bytes: int) -> None:
        place = self._models_dir or Path(constants.HF_HUB_CACHE)
        existing = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
        free_bytes = shutil.disk_usage(existing).free
        if free_bytes < needed_bytes:
            raise FetchRefused(
                "disk_full",
                f"{place} has {_readable(free_bytes)} free, the download needs {_readable(needed_bytes)}: "
                "free some space or choose another folder",
            )

    def _same_as_hub(self, path: Path, sibling: RepoSibling) -> bool:
        """Compare with the hub's SHA-256 of a large file, or git's hash of a small one."""
        if not path.is_file():
            return False
        if sibling.lfs is not None:
            cache_path = None if self._models_dir is None else self._models_dir / DIGESTS_FILE
            return file_digest(path, cache_path=cache_path) == sibling.lfs.sha256
        if sibling.blob_id is None:
            return True
        content = path.read_bytes()
        header = f"blob {len(content)}\0".encode()
        return hashlib.sha1(header + content, usedforsecurity=False).hexdigest() == sibling.blob_id


def check_tensors(located: Located) -> None:
    """Open a weights file and measure the tensors that tell its network.

    Raises
    ------
    FetchRefused
        ``damaged``, when it cannot be opened or is another network's; the file is deleted.
    """
    try:
        shapes = _tensor_shapes(located.weights)
    except (SafetensorError, UnpicklingError, OSError, EOFError, ValueError, RuntimeError) as error:
        _delete(located.weights)
        raise FetchRefused("damaged", f"{located.weights} is damaged and was deleted: {error}") from error
    for ending, expected in located.checkpoint.tensor_shapes.items():
        found = [shape for name, shape in shapes.items() if name == ending or name.endswith(f".{ending}")]
        if expected not in found:
            _delete(located.weights)
            raise FetchRefused(
                "damaged",
                f"{located.weights} is not {located.checkpoint.repo} and was deleted: {ending} has shape "
                f"{found[0] if found else 'none'}, expected {expected}",
            )


def _tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    if path.suffix == ".safetensors":
        with safe_open(path, "numpy") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    state = state.get("state_dict", state)
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _files(listing: ModelInfo, names: Iterable[str]) -> Iterator[RepoSibling]:
    wanted = set(names)
    return (sibling for sibling in listing.siblings or () if sibling.rfilename in wanted)


def _good(located: Located, state: Literal["downloaded", "present"], detail: str) -> FetchResult:
    return FetchResult(
        repo=located.checkpoint.repo, folder=located.folder, state=state, problem=None, detail=detail
    )


def _delete(path: Path) -> None:
    """Delete a file, and the blob a hub cache keeps behind it."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)


def _readable(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"
