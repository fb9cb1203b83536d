"""Fits the weights of scores and local features: ``python -m recognition.training.decision --weights FILE``.

The gallery are the training photos, all and a few of each class, cropped to their items as registering does;
the queries are the validation photos as they are, which come from other visits. Each query is shown twice:
among all classes, and with its own class set aside and the gallery measured anew, when the right answer is
none. What comes out are the numbers of ``OddsModel`` and of the tails in
``recognition.vision.decision.thresholds``, with the metrics that they give when every class is judged by a
model that was fitted on the others.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize
from tqdm import tqdm

from recognition.training.judging import LabelledVectors, few_shots
from recognition.training.photos import DATA_DEFAULT, Split, photo_paths, read_rgb
from recognition.training.vectors import photo_vectors
from recognition.vision.decision.odds import CONTENDERS, FITTED, OddsModel, log_odds, sureness
from recognition.vision.decision.thresholds import TAIL_TARGET
from recognition.vision.encoders.compact import WEIGHTS, CompactEncoder, WeightsUnusable
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.evaluation.recognizer import PhotoGallery, Recognizer
from recognition.vision.types import DoubleArray

SHOTS: tuple[int | None, ...] = (None, 5, 1)
FOLDS = 4
TARGET = 0.01
_TERMS = len(fields(OddsModel))
_BOUNDS = ((None, None), (0.0, None), (None, 0.0), (None, 0.0), (0.0, None))
"""More of its own score and matched area never lowers a product's odds, more of others' never raises them."""


@dataclass(frozen=True)
class Shown:
    """One query among one gallery.

    Attributes
    ----------
    label : the class it shows
    shots : photos of each class in the gallery, None for all
    terms : float64 (k, 5), what each contender's log-odds are a sum of, by the order of ``OddsModel``
    right : the contender that is right; k where none is, although it may be registered
    registered : whether its class is in the gallery
    needed : the sureness required to accept
    """

    label: str
    shots: int | None
    terms: DoubleArray
    right: int
    registered: bool
    needed: float


def main(arguments: list[str]) -> int:
    """Match the queries, fit the model, and print it with its metrics."""
    parser = argparse.ArgumentParser(prog="python -m recognition.training.decision", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_DEFAULT)
    parser.add_argument("--weights", type=Path, nargs="+", default=[WEIGHTS], help="fitted on all together")
    options = parser.parse_args(arguments)
    try:
        shown = [
            each
            for weights in options.weights
            for each in shown_all(CompactEncoder.load(weights, threads=1), options.data)
        ]
    except (WeightsUnusable, FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    model = fit(shown)
    report = {
        "model": {name: round(value, 3) for name, value in asdict(model).items()},
        **tails(shown, model),
    }
    report |= {"metrics": metrics(shown), "stated": stated(shown)}
    print(json.dumps(report, indent=1))  # noqa: T201
    return 0


def shown_all(encoder: Encoder, data: Path) -> list[Shown]:
    """Show every query to every gallery, with its class and without it."""
    gallery = _photos(encoder, data, "train", registered=True)
    queries = _photos(encoder, data, "val", registered=False)
    labelled = LabelledVectors(gallery.embeddings, np.array(gallery.products))
    shown = []
    for shots in SHOTS:
        few = few_shots(labelled, shots or len(gallery), seed=0)
        recognizer = Recognizer(None, gallery, chosen=few.tolist())
        places = list(range(len(queries)))
        bar = tqdm(total=2 * len(places), desc=f"{shots or 'all'} photos a class", mininterval=2.0)
        for place in places:
            shown.append(_shown(recognizer, queries, place, shots))
            bar.update()
        for label in sorted(set(queries.products)):
            with recognizer.without(recognizer.photos_of(label)):
                for place in (place for place in places if queries.products[place] == label):
                    shown.append(_shown(recognizer, queries, place, shots))
                    bar.update()
        bar.close()
    return shown


def _shown(recognizer: Recognizer, queries: PhotoGallery, place: int, shots: int | None) -> Shown:
    decision = recognizer.decide(queries, place)
    thresholds, label = recognizer.thresholds, queries.products[place]
    contenders = decision.candidates[:CONTENDERS]
    names = [each.product_id for each in contenders]
    values = [
        np.array([each.score for each in contenders]),
        np.array([thresholds.density_of(name) for name in names]),
        np.array([each.agreeing for each in contenders]),
    ]
    terms = [
        log_odds(*values, centre=thresholds.centre, spread=thresholds.spread, model=OddsModel(*unit))
        for unit in np.eye(_TERMS).tolist()
    ]
    right = names.index(label) if label in names else len(names)
    registered = label in recognizer.products
    return Shown(label, shots, np.stack(terms, axis=-1), right, registered, decision.needed)


def fit(shown: Sequence[Shown]) -> OddsModel:
    """Choose the weights under which the right contender, or none, is most probable."""
    terms, right = _stacked(shown)
    scale = np.maximum(terms.reshape(-1, _TERMS).std(axis=0), 1e-9)
    scale[0] = 1.0

    def surprise(weights: DoubleArray) -> tuple[float, DoubleArray]:
        odds = np.concatenate([terms @ (weights / scale), np.zeros((len(terms), 1))], axis=1)
        odds -= np.logaddexp.reduce(odds, axis=1, keepdims=True)
        chosen = np.zeros_like(odds)
        chosen[np.arange(len(odds)), right] = 1.0
        slope = ((np.exp(odds) - chosen)[:, :-1, None] * terms / scale).sum(axis=(0, 1))
        return -float((odds * chosen).sum()) / len(odds), slope / len(odds)

    found = minimize(surprise, np.zeros(_TERMS), jac=True, method="L-BFGS-B", bounds=_BOUNDS)
    return OddsModel(*(found.x / scale).tolist())


def tails(shown: Sequence[Shown], model: OddsModel) -> dict[str, float]:
    """How sure a model is of the surest unregistered queries, without local features and with them."""
    strangers = [each for each in shown if not each.registered]
    matched = np.array([_sureness(each, model, closely=False) for each in strangers])
    closely = np.array([_sureness(each, model, closely=True) for each in strangers])
    found = {
        f"{name}_{share:g}": round(float(np.quantile(values, 1 - share)), 3)
        for name, values in (("matched", matched), ("closely", closely))
        for share in (TAIL_TARGET, TARGET)
    }
    rise = found[f"matched_{TARGET:g}"] - found[f"matched_{TAIL_TARGET:g}"]
    found["tail_scale"] = round(rise / math.log(TAIL_TARGET / TARGET), 3)
    return found


def metrics(shown: Sequence[Shown]) -> dict[str, dict[str, float]]:
    """Judge each class by a model that was fitted on others, for each number of photos."""
    labels = sorted({each.label for each in shown})
    fold_of = {label: place % FOLDS for place, label in enumerate(labels)}
    judged: list[tuple[Shown, bool, float]] = []
    for fold in range(FOLDS):
        model = fit([each for each in shown if fold_of[each.label] != fold])
        for each in shown:
            if fold_of[each.label] == fold:
                right = int((each.terms @ np.array(astuple(model))).argmax()) == each.right
                judged.append((each, right, _sureness(each, model, closely=True)))
    return {
        str(shots or "all"): _summary([one for one in judged if one[0].shots == shots]) for shots in SHOTS
    }


def stated(shown: Sequence[Shown]) -> dict[str, dict[str, float]]:
    """Judge the present constants: shares of registered and of other queries that are accepted."""
    found = {}
    for shots in SHOTS:
        some = [each for each in shown if each.shots == shots]
        accepted = [_sureness(each, FITTED, closely=True) >= each.needed for each in some]
        known = [took for took, each in zip(accepted, some, strict=True) if each.registered]
        strangers = [took for took, each in zip(accepted, some, strict=True) if not each.registered]
        found[str(shots or "all")] = {
            "accepted": round(float(np.mean(known)), 3),
            "false_accept_rate": round(float(np.mean(strangers)), 4),
        }
    return found


def _summary(judged: Sequence[tuple[Shown, bool, float]]) -> dict[str, float]:
    strangers = np.array([sure for each, _, sure in judged if not each.registered])
    bar = float(np.quantile(strangers, 1 - TARGET))
    known = [(right, sure) for each, right, sure in judged if each.registered]
    return {
        "recall_at_1": round(float(np.mean([right for right, _ in known])), 3),
        "recall_at_false_accept_1pct": round(
            float(np.mean([right and sure > bar for right, sure in known])), 3
        ),
    }


def _sureness(each: Shown, model: OddsModel, *, closely: bool) -> float:
    weights = np.array(astuple(model))
    weights[-1] *= closely
    return float(sureness(each.terms @ weights))


def _stacked(shown: Sequence[Shown]) -> tuple[DoubleArray, np.ndarray]:
    """All terms, float64 (n, k, 5), and the right choice of each, k for none; all have as many contenders."""
    return np.stack([each.terms for each in shown]), np.array([each.right for each in shown])


def _photos(encoder: Encoder, data: Path, split: Split, *, registered: bool) -> PhotoGallery:
    paths, labels = photo_paths(data, split)
    vectors = photo_vectors(encoder, paths, step=f"embed {split}", items=registered)
    return PhotoGallery(vectors, labels, lambda place: read_rgb(paths[place]), items=registered)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.exit(main(sys.argv[1:]))
