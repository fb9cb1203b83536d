"""Files on this machine: whether there is room, whether they are whole, and whether they are the hub's."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from recognition.vision.encoders.checkpoints import Located
from recognition.vision.encoders.fetch.refusals import FetchRefused
from recognition.vision.encoders.fingerprint import file_digest

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling


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
        file_delete(located.weights)
        raise FetchRefused("damaged", f"{located.weights} is damaged and was deleted: {error}") from error
    for ending, expected in located.checkpoint.tensor_shapes.items():
        found = [shape for name, shape in shapes.items() if name == ending or name.endswith(f".{ending}")]
        if expected not in found:
            file_delete(located.weights)
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


def same_as_hub(path: Path, sibling: RepoSibling, *, digests: Path | None) -> bool:
    """Compare a file with the hub's SHA-256 of a large file, or with git's hash of a small one.

    Parameters
    ----------
    sibling : what the hub says of the file; true for one of which it states no hash
    digests : a cache of known digests, as for `file_digest`
    """
    if not path.is_file():
        return False
    if sibling.lfs is not None:
        return file_digest(path, cache_path=digests) == sibling.lfs.sha256
    if sibling.blob_id is None:
        return True
    content = path.read_bytes()
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest() == sibling.blob_id


def check_room(place: Path, needed_bytes: int) -> None:
    """Make sure that a folder, there or still to be made, has room for a download.

    Raises
    ------
    FetchRefused
        ``disk_full``, with what is free and what is needed.
    """
    existing = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < needed_bytes:
        raise FetchRefused(
            "disk_full",
            f"{place} has {size_readable(free_bytes)} free, the download needs "
            f"{size_readable(needed_bytes)}: free some space or choose another folder",
        )


def file_delete(path: Path) -> None:
    """Delete a file, and the blob a hub cache keeps behind it."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)


def size_readable(size_bytes: float) -> str:
    """Write a size in decimal units: bytes to MB whole, GB with one digit."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"
