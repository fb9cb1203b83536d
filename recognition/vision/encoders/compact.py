"""The encoder that ships with the shop: a small network of our own beside a colour layout descriptor."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from recognition.vision.encoders.descriptor import DESCRIPTOR_VERSION, ColourLayout
from recognition.vision.encoders.errors import EncoderError
from recognition.vision.encoders.layout import EMBEDDING_DIM, VISUAL_DIM, join_blocks
from recognition.vision.photos.item import PHOTO_ITEM_VERSION
from recognition.vision.types import FloatArray, Image

NAME = "compact"
WEIGHTS = Path(__file__).with_name("weights") / "compact.safetensors"
COLOUR_MEAN, COLOUR_PROJECTION = "colour.mean", "colour.projection"
INPUT_SIDE_PX = 112
# The rim of a photo or of an item's box shows shelf, counter or hand more often than item: leaving four
# percent off each side was measured to help, on shop photos and on crops of live frames alike.
MIDDLE_SHARE = 0.92
# Convolutions want work for all channels at once, caches want small activations: 16 was the fastest per
# crop on one core, and bounds the memory of a long batch.
CHUNK = 16

PIXEL_MEAN = 0.5
PIXEL_DEVIATION = 0.25
_STEM_WIDTH = 32
_STAGES = ((48, 1), (96, 2), (192, 2), (384, 1))
_POOL_POWER = 3.0
_PREPROCESSING = (
    f"rgb middle {MIDDLE_SHARE} squeeze-area {INPUT_SIDE_PX} "
    f"mean {PIXEL_MEAN} deviation {PIXEL_DEVIATION} float32"
)


class WeightsUnusable(EncoderError):
    """The weights file is missing, damaged or made for another network."""


class Convolution(nn.Module):
    """A convolution with its batch normalisation; the latter is folded away once training is over."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, folded: bool) -> None:
        super().__init__()
        self.weights = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=folded)
        self.norm = nn.Identity() if folded else nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and normalise; the caller applies the non-linearity."""
        return self.norm(self.weights(x))


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut (K. He et al., Deep Residual Learning, 2016)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, folded: bool) -> None:
        super().__init__()
        self.first = Convolution(inputs, outputs, stride=stride, folded=folded)
        self.second = Convolution(outputs, outputs, folded=folded)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = Convolution(inputs, outputs, kernel=1, stride=stride, folded=folded)

    def forward(self, x: Tensor) -> Tensor:
        """Add what the two convolutions find to what came in."""
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class CompactNetwork(nn.Module):
    """A residual network of 4 million parameters that maps a square picture to 1024 numbers.

    The last two stages are each pooled by a generalised mean (F. Radenovic et al., Fine-tuning CNN image
    retrieval, 2018): the finer of the two still resolves artwork that the coarser has merged.

    Parameters
    ----------
    folded : True for inference, with every batch normalisation folded into the weights before it
    """

    def __init__(self, *, folded: bool) -> None:
        super().__init__()
        self.stem = Convolution(3, _STEM_WIDTH, stride=2, folded=folded)
        stages: list[nn.Module] = []
        width = _STEM_WIDTH
        for outputs, depth in _STAGES:
            blocks = [
                Block(width if place == 0 else outputs, outputs, stride=2 if place == 0 else 1, folded=folded)
                for place in range(depth)
            ]
            stages.append(nn.Sequential(*blocks))
            width = outputs
        self.stages = nn.ModuleList(stages)
        self.head = nn.Linear(_STAGES[-2][0] + _STAGES[-1][0], VISUAL_DIM, bias=folded)
        self.head_norm = nn.Identity() if folded else nn.BatchNorm1d(VISUAL_DIM)

    def forward(self, x: Tensor) -> Tensor:
        """Map float (n, 3, side, side), normalised, to float (n, 1024), not yet of unit length."""
        x = F.relu(self.stem(x))
        pooled: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            pooled.append(x)
        features = torch.cat([_generalised_mean(stage) for stage in pooled[-2:]], dim=1)
        return self.head_norm(self.head(features))


def _generalised_mean(x: Tensor) -> Tensor:
    """Pool (n, c, h, w) to (n, c) by the power mean of exponent 3, in full precision."""
    return x.float().clamp(min=1e-4).pow(_POOL_POWER).mean(dim=(2, 3)).pow(1.0 / _POOL_POWER)


def normalise(pixels: Tensor) -> Tensor:
    """Shift and scale pixels in 0..1 to what the network was trained on."""
    return (pixels - PIXEL_MEAN) / PIXEL_DEVIATION


class CompactEncoder:
    """Embeds crops with the shipped network, on the processor, in float32.

    Not safe for concurrent calls that need different thread counts: the number of threads is a setting of
    the whole process.
    """

    name = NAME

    def __init__(self, network: CompactNetwork, colours: ColourLayout, fingerprint: str) -> None:
        self._network = network
        self._colours = colours
        self.fingerprint = fingerprint

    @classmethod
    def load(cls, weights: Path | None = None, threads: int | None = None) -> Self:
        """Read the weights and make the encoder ready.

        Parameters
        ----------
        weights : a safetensors file; the shipped one where none is named
        threads : processor threads for this process' tensor work; left alone where none are named

        Raises
        ------
        WeightsUnusable
            When the file is missing, damaged or holds another network.
        """
        file = weights or WEIGHTS
        if threads is not None:
            torch.set_num_threads(threads)
        state = weights_read(file)
        network = CompactNetwork(folded=True)
        try:
            colours = ColourLayout(state.pop(COLOUR_MEAN).numpy(), state.pop(COLOUR_PROJECTION).numpy())
            network.load_state_dict(state)
        except (KeyError, ValueError, RuntimeError) as error:
            raise WeightsUnusable(f"{file} holds another network than this version's: {error}") from error
        network.eval().requires_grad_(requires_grad=False)
        return cls(network.to(memory_format=torch.channels_last), colours, _fingerprint(file))

    def encode(self, images: Sequence[Image]) -> FloatArray:
        """Embed RGB uint8 pictures (h, w, 3) of any size: float32 (len(images), 1280).

        Raises
        ------
        ValueError
            When a picture is empty, not uint8, or not of three channels.
        """
        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
                raise ValueError(f"expected RGB uint8 pictures (h, w, 3), got {image.dtype} {image.shape}")
        if not images:
            return np.empty((0, EMBEDDING_DIM), np.float32)
        middles = [_middle(image) for image in images]
        return join_blocks(self._visual(middles), self._colours(middles))

    def _visual(self, images: Sequence[Image]) -> FloatArray:
        side = (INPUT_SIDE_PX, INPUT_SIDE_PX)
        pixels = np.stack([cv2.resize(image, side, interpolation=cv2.INTER_AREA) for image in images])
        rows = []
        with torch.inference_mode():
            for start in range(0, len(pixels), CHUNK):
                chunk = torch.from_numpy(pixels[start : start + CHUNK]).permute(0, 3, 1, 2)
                rows.append(self._network(normalise(chunk.float() / 255.0)).numpy())
        return np.concatenate(rows)


def _middle(image: Image) -> Image:
    """Leave off the rim: a view of the middle of the picture."""
    height, width = image.shape[:2]
    top, left = (round(side * (1.0 - MIDDLE_SHARE) / 2) for side in (height, width))
    return image[top : height - top, left : width - left]


def weights_read(file: Path) -> dict[str, Tensor]:
    """Read a weights file: the folded network's state and the colour statistics, as float32.

    Raises
    ------
    WeightsUnusable
        When it is missing or damaged.
    """
    try:
        with safe_open(file, framework="pt") as tensors:
            return {key: tensors.get_tensor(key).float() for key in tensors.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsUnusable(f"{file} is not a readable weights file: {error}") from error


def _fingerprint(file: Path) -> str:
    """Digest all that decides what a vector means: weights, preprocessing, descriptor, the crop of photos."""
    digest = hashlib.sha256(file.read_bytes())
    digest.update(
        f"{_PREPROCESSING} descriptor {DESCRIPTOR_VERSION} photo item {PHOTO_ITEM_VERSION}".encode()
    )
    return digest.hexdigest()
