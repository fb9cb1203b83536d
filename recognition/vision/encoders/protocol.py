"""What every encoder promises, whatever network stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from recognition.vision.types import FloatArray, Image


class Encoder(Protocol):
    """Turns pictures into embeddings of the common layout.

    Attributes
    ----------
    name : one of the encoder names of the registry, e.g. ``compact``
    fingerprint : hexadecimal digest over weights, preprocessing, projection and dtype. Vectors of two
        fingerprints are not comparable and never meet in one index.
    """

    name: str
    fingerprint: str

    def encode(self, images: Sequence[Image]) -> FloatArray:
        """Embed a batch.

        Parameters
        ----------
        images : RGB uint8 arrays (h, w, 3), of any and differing sizes; an empty sequence is allowed

        Returns
        -------
        float32 (len(images), 1280): the visual block in columns 0..1023, the semantic block in
        1024..1279, each of unit length, unweighted. Row i does not depend on the other rows.
        """
        ...
