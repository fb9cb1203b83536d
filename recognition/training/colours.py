"""Learns the two fixed statistics of the colour descriptor from labelled photos."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from recognition.training.photos import PhotoSet
from recognition.vision.encoders.descriptor import ColourLayout, colour_shares
from recognition.vision.types import FloatArray

# Added to the within-class covariance in units of its mean variance. Without it whitening blows up colours
# hardly seen in training; 1, 3 and 8 were tried, 3 was best on classes kept out.
_SHRINKAGE = 3.0


def colours_fit(photos: PhotoSet, *, unseen: Collection[str] = ()) -> ColourLayout:
    """Mean and whitening of the colour shares, from all photos but those of the unseen classes."""
    labels = photos.names()
    rows = np.flatnonzero(~np.isin(labels, sorted(unseen)))
    return statistics(colour_shares([photos.pixels[row] for row in rows]), labels[rows])


def statistics(shares: FloatArray, labels: np.ndarray) -> ColourLayout:
    """Mean over all rows, and the inverse square root of the covariance within classes.

    Parameters
    ----------
    shares : float32 (n, 256)
    labels : (n,), the class of each row
    """
    residuals = np.concatenate(
        [shares[labels == name] - shares[labels == name].mean(axis=0) for name in np.unique(labels)]
    )
    covariance = np.cov(residuals.astype(np.float64).T)
    spread = max(np.trace(covariance) / len(covariance), np.finfo(np.float32).tiny)
    covariance += np.eye(len(covariance)) * (_SHRINKAGE * spread)
    variances, directions = np.linalg.eigh(covariance)
    # scaled so that the largest factor is 1 and half precision holds every entry well
    projection = directions * np.sqrt(variances.min() / variances)
    return ColourLayout(shares.mean(axis=0), projection.astype(np.float32))
