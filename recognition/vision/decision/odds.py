"""How likely a picture shows each of a few products, or none of them: one model over scores and artwork."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recognition.vision.types import DoubleArray

CONTENDERS = 5
"""Products weighed against each other; more of them changed no decision."""


@dataclass(frozen=True, slots=True)
class OddsModel:
    """A conditional logit with the choice of none (D. McFadden, 1974): log-odds linear in what was measured.

    Attributes
    ----------
    constant : log-odds at the typical impostor score, that of gallery photos with products they do not show
    score : per spread of such scores that the product's score lies above the typical one
    density : per spread that photos of other products come nearer to this one than to most
    others : per spread that the other contenders' mean score lies above the typical one
    agreeing : for a picture wholly covered by artwork that agrees; a tenth of that is a lot
    """

    constant: float
    score: float
    density: float
    others: float
    agreeing: float


FITTED = OddsModel(constant=-1.94, score=1.09, density=-0.21, others=-0.43, agreeing=28.9)
"""Fitted by ``python -m recognition.training.decision``, which also refits it to other weights.

The fit is over two encoders: earlier weights of this network, and weights trained without 15 of the 81
classes, stopped halfway. Refitted to the weights that ship now (-2.26, 0.99, -0.32, -0.25 and 24.2) it
recognizes as much, accepts as much at 1% false accepts, and asks more often on recorded visits.
The query pictures were not in the encoder's training set: photos of a product taken on one visit are so alike
that a fit on them trusts scores nearly twice as much and artwork half as much.
"""


def log_odds(
    score: DoubleArray,
    density: DoubleArray,
    agreeing: DoubleArray,
    *,
    centre: float,
    spread: float,
    model: OddsModel = FITTED,
) -> DoubleArray:
    """Weigh the contenders for one picture.

    Parameters
    ----------
    score : float64 (..., k), of the embedding, in -1..1; k in 1..``CONTENDERS``
    density : float64 (..., k), how near photos of other products come to each, in scores
    agreeing : float64 (..., k), share of the picture that each one's artwork agrees with, 0..1; 0 where
        artwork was not compared
    centre, spread : mean and deviation of the gallery's impostor scores

    Returns
    -------
    float64 (..., k)
        Log-odds that the picture shows the product and not something unregistered. They rise with a product's
        own score and artwork and fall with the other scores. Missing contenders count as typical.
    """
    above = (score - centre) / spread
    others = (above.sum(axis=-1, keepdims=True) - above) / (CONTENDERS - 1)
    return (
        model.constant
        + model.score * above
        + model.density * (density - centre) / spread
        + model.others * others
        + model.agreeing * agreeing
    )


def sureness(odds: DoubleArray) -> DoubleArray:
    """Return the log-odds that the likeliest product is right, against all other contenders and none.

    Parameters
    ----------
    odds : float64 (..., k), from `log_odds`

    Returns
    -------
    float64 (...)
    """
    rising = np.sort(odds, axis=-1)
    against = np.concatenate([rising[..., :-1], np.zeros((*odds.shape[:-1], 1))], axis=-1)
    return np.asarray(rising[..., -1] - np.logaddexp.reduce(against, axis=-1))


def registered(odds: DoubleArray) -> DoubleArray:
    """Return the log-odds that the picture shows any of the contenders.

    Parameters
    ----------
    odds : float64 (..., k), from `log_odds`

    Returns
    -------
    float64 (...)
    """
    return np.asarray(np.logaddexp.reduce(odds, axis=-1))
