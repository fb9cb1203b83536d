"""The encoders by name: which can be used on this machine, and loading one.

Importing this module imports no machine learning library; loading an encoder does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from recognition.vision.encoders.checkpoints import ENCODER_PARTS, Located, locate, locate_visual
from recognition.vision.encoders.dino_clip.projection import projection_digest
from recognition.vision.encoders.errors import UnknownEncoder, WeightsMissing
from recognition.vision.encoders.fingerprint import file_digest, fingerprint_of
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.encoders.torchvision_fit import torchvision_require

if TYPE_CHECKING:
    from recognition.vision.encoders.hardware import DeviceName, DtypeName

COMPACT = "compact"
AUTO = "auto"
ENCODER_NAMES = (*ENCODER_PARTS, COMPACT)
DIGESTS_FILE = ".digests.json"


@dataclass(frozen=True)
class EncoderStatus:
    """Whether an encoder can be loaded here, and if not what it lacks.

    Attributes
    ----------
    found : the repositories whose weights are present
    missing : what is not there, described for staff
    """

    name: str
    found: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def available(models_dir: Path | None = None) -> Mapping[str, EncoderStatus]:
    """Say of every encoder whether its weights are here; looks at files only, never at the network.

    Parameters
    ----------
    models_dir : folder of downloaded checkpoints (``OWNER/NAME`` below it); the hub's cache is looked at too
    """
    return {name: status_of(name, models_dir) for name in ENCODER_NAMES}


def status_of(name: str, models_dir: Path | None = None) -> EncoderStatus:
    """Say of one of ENCODER_NAMES whether its weights are here, as `available` does."""
    if name == COMPACT:
        return EncoderStatus(name=COMPACT, found=(COMPACT,), missing=())
    parts = ENCODER_PARTS[name]
    visual, semantic = locate_visual(parts, models_dir), locate(parts.semantic, models_dir)
    missing = []
    if visual is None:
        missing.append(" or ".join(checkpoint.repo for checkpoint in parts.visual.values()))
    if semantic is None:
        missing.append(parts.semantic.repo)
    used = {located.checkpoint.backend for located in (visual, semantic) if located is not None}
    missing += [f"the Python package {package}" for package in sorted(used) if find_spec(package) is None]
    found = tuple(located.checkpoint.repo for located in (visual, semantic) if located is not None)
    return EncoderStatus(name=name, found=found, missing=tuple(missing))


def resolve(name: str, models_dir: Path | None = None) -> str:
    """Turn ``auto`` into the best encoder this machine can run; check any other name.

    ViT-L is taken only where there is a CUDA device: on a CPU a picture costs it some 300 ms or more.

    Raises
    ------
    UnknownEncoder
        When the name is neither ``auto`` nor one of ENCODER_NAMES.
    """
    if name in ENCODER_NAMES:
        return name
    if name != AUTO:
        raise UnknownEncoder(name=name, allowed=(AUTO, *ENCODER_NAMES))
    statuses = available(models_dir)
    if statuses["dinov3-vitl"].ready and _cuda_present():
        return "dinov3-vitl"
    return "dinov3-convnext" if statuses["dinov3-convnext"].ready else COMPACT


def load(
    name: str = AUTO,
    *,
    models_dir: Path | None = None,
    device: DeviceName = "auto",
    dtype: DtypeName = "auto",
    threads: int | None = None,
) -> Encoder:
    """Load an encoder from files on this machine; nothing is downloaded.

    Parameters
    ----------
    name : one of ENCODER_NAMES, or ``auto``
    models_dir : as for `available`
    device, dtype : for the large encoders; ``auto`` takes CUDA and bfloat16 where the hardware has them
    threads : CPU threads; None takes the cores that are free now

    Raises
    ------
    EncoderError
        An unknown name, weights that are missing or cannot be used, a torchvision that does not fit torch,
        or no CUDA where it was asked for; the message names what is allowed or the command that helps.
    """
    resolved = resolve(name, models_dir)
    if resolved == COMPACT:
        from recognition.vision.encoders.compact import CompactEncoder
        from recognition.vision.encoders.hardware import free_threads

        return CompactEncoder.load(threads=free_threads(threads))
    return _load_dino_clip(resolved, models_dir=models_dir, device=device, dtype=dtype, threads=threads)


def _load_dino_clip(
    name: str, *, models_dir: Path | None, device: DeviceName, dtype: DtypeName, threads: int | None
) -> Encoder:
    parts = ENCODER_PARTS[name]
    visual, semantic = locate_visual(parts, models_dir), locate(parts.semantic, models_dir)
    missing = status_of(name, models_dir).missing
    if visual is None or semantic is None or missing:
        raise WeightsMissing(name=name, missing=missing)
    torchvision_require(name)

    from recognition.vision.encoders.dino_clip.clip import load_clip
    from recognition.vision.encoders.dino_clip.dinov3 import load_dinov3
    from recognition.vision.encoders.dino_clip.encoder import DinoClipEncoder
    from recognition.vision.encoders.hardware import choose_device, choose_dtype, free_threads
    from recognition.vision.photos.item import PHOTO_ITEM_VERSION

    chosen_device = choose_device(device)
    chosen_dtype = choose_dtype(dtype, chosen_device)
    visual_block = load_dinov3(visual, device=chosen_device, dtype=chosen_dtype)
    semantic_block = load_clip(semantic, device=chosen_device, dtype=chosen_dtype)
    cache_path = None if models_dir is None else models_dir / DIGESTS_FILE
    fingerprint = fingerprint_of(
        {
            "encoder": name,
            "visual weights": file_digest(visual.weights, cache_path=cache_path),
            "visual config": _config_digests(visual, cache_path),
            "visual preprocessing": visual_block.preprocess.description,
            "visual pooling": visual_block.pooling,
            "semantic weights": file_digest(semantic.weights, cache_path=cache_path),
            "semantic config": _config_digests(semantic, cache_path),
            "semantic preprocessing": semantic_block.preprocess.description,
            "projection": projection_digest(),
            "photo item": PHOTO_ITEM_VERSION,
            "dtype": str(chosen_dtype),
        }
    )
    return DinoClipEncoder(
        name=name,
        fingerprint=fingerprint,
        visual=visual_block,
        semantic=semantic_block,
        threads=free_threads(threads),
    )


def _config_digests(located: Located, cache_path: Path | None) -> str:
    """The settings the network is built from; the preprocessing has its own entry."""
    return file_digest(located.folder / located.checkpoint.config_files[0], cache_path=cache_path)


def _cuda_present() -> bool:
    import torch

    return bool(torch.cuda.is_available())
