"""Evaluates recognition over labelled photos: with all of them registered, and with a few of each class."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from recognition.vision.decision.local_features import features_of
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.evaluation.photo_metrics import (
    Answer,
    Confusion,
    class_metrics,
    confusions_of,
    mean_metrics,
    photo_metrics,
)
from recognition.vision.evaluation.progress import StepProgress, no_progress
from recognition.vision.evaluation.recognizer import PhotoGallery, Recognizer
from recognition.vision.evaluation.visit_metrics import percentiles
from recognition.vision.types import FloatArray

Done = Callable[[], object]
"""Called after each picture."""

DRAWS = 5
"""Random choices of a few photos a class, each with its own fixed seed."""

TIMED_MAX = 200
"""Pictures that are timed one by one, at most."""


@dataclass(frozen=True)
class PhotoSetting:
    """What is evaluated: an encoder, the photos to register, and the pictures to show.

    Attributes
    ----------
    queries : pictures with their classes; those of classes that the gallery lacks are impostors
    impostors : more pictures of things that are not registered, or None
    false_accept_target, visual_weight : as for `Recognizer`
    """

    encoder: Encoder
    gallery: PhotoGallery
    queries: PhotoGallery
    impostors: PhotoGallery | None
    false_accept_target: float
    visual_weight: float

    def recognizer(self, chosen: Sequence[int] | None = None) -> Recognizer:
        """Return a recognizer over all photos of the gallery, or over those at the chosen positions."""
        return Recognizer(
            self.encoder,
            self.gallery,
            chosen=chosen,
            false_accept_target=self.false_accept_target,
            visual_weight=self.visual_weight,
        )

    @cached_property
    def registered(self) -> list[int]:
        """Positions of the queries whose class has photos in the gallery."""
        known = set(self.gallery.products)
        return [position for position, label in enumerate(self.queries.products) if label in known]

    @cached_property
    def strangers(self) -> list[tuple[PhotoGallery, int]]:
        """Pictures of what is not registered: their gallery, and their positions in it."""
        known = set(self.gallery.products)
        unknown = [position for position, label in enumerate(self.queries.products) if label not in known]
        more = [] if self.impostors is None else [(self.impostors, at) for at in range(len(self.impostors))]
        return [*((self.queries, position) for position in unknown), *more]


@dataclass(frozen=True)
class PhotoEvaluation:
    """The result of an evaluation.

    Attributes
    ----------
    metrics : those of `photo_metrics` and more, as ``manage.py evaluate`` prints them, without confusions
    confusions : with all photos registered
    embeddings : of the queries, float32 (n, 1280), unweighted
    recognizer : with all photos registered
    """

    metrics: dict[str, Any]
    confusions: list[Confusion]
    embeddings: FloatArray
    recognizer: Recognizer


def photos_judge(
    setting: PhotoSetting, *, shots: Sequence[int], progress: StepProgress = no_progress
) -> PhotoEvaluation:
    """Show every query to a recognizer over all photos, and over a few of each class.

    False accepts are measured with pictures of unregistered classes. Where there are none, each query is
    shown once more with the photos of its own class set aside and thresholds measured without them. This is
    harder than usual impostors are, as the most similar class is the one that is not registered.

    Parameters
    ----------
    shots : numbers of photos a class to register as well, besides all

    Raises
    ------
    ValueError
        Without photos in the gallery, or where no query is of one of its classes.
    """
    if not len(setting.gallery) or not setting.registered:
        raise ValueError("no query is of a class in the gallery")
    set_aside = not setting.strangers
    few = {count: _draws(setting.gallery, count) for count in shots}
    passes = (1 + sum(map(len, few.values()))) * (1 + set_aside)
    done = progress("pictures decided", (len(setting.registered) + len(setting.strangers)) * passes)

    recognizer = setting.recognizer()
    answers = _answers(setting, recognizer, done)
    metrics: dict[str, Any] = dict(photo_metrics(answers, _impostor_answers(setting, recognizer, done)))
    metrics["per_class"] = class_metrics(answers, Counter(setting.gallery.products))
    metrics["by_shots"] = {
        str(count): _few_shot_metrics(setting, draws, done) for count, draws in few.items()
    }
    metrics.update(_times(setting, recognizer, progress))
    metrics["counts"] = {
        "gallery_photos": len(setting.gallery),
        "gallery_classes": len(set(setting.gallery.products)),
        "queries": len(setting.registered),
        "impostors": len(setting.registered if set_aside else setting.strangers),
    }
    metrics["impostors_are"] = (
        "each query with its own class set aside" if set_aside else "unregistered classes"
    )
    return PhotoEvaluation(metrics, confusions_of(answers), setting.queries.embeddings, recognizer)


def _answers(setting: PhotoSetting, recognizer: Recognizer, done: Done) -> list[Answer]:
    return _decided(recognizer, [(setting.queries, position) for position in setting.registered], done)


def _impostor_answers(setting: PhotoSetting, recognizer: Recognizer, done: Done) -> list[Answer]:
    if setting.strangers:
        return _decided(recognizer, setting.strangers, done)
    queries_of: dict[str, list[int]] = defaultdict(list)
    for position in setting.registered:
        queries_of[setting.queries.products[position]].append(position)
    answers = []
    for label, positions in queries_of.items():
        with recognizer.without(recognizer.photos_of(label)):
            answers += _decided(recognizer, [(setting.queries, position) for position in positions], done)
    return answers


def _decided(recognizer: Recognizer, shown: Sequence[tuple[PhotoGallery, int]], done: Done) -> list[Answer]:
    answers = []
    for pictures, position in shown:
        decision = recognizer.decide(pictures, position)
        answers.append(Answer(position, pictures.products[position], decision))
        done()
    return answers


def _draws(gallery: PhotoGallery, count: int) -> list[list[int]]:
    """Draw up to `count` photos of each class; once only where that is all of them."""
    positions: dict[str, list[int]] = defaultdict(list)
    for position, product in enumerate(gallery.products):
        positions[product].append(position)
    draws = []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        drawn = [rng.permutation(positions[name])[:count].tolist() for name in sorted(positions)]
        draws.append(sorted(position for some in drawn for position in some))
    return draws if max(map(len, positions.values())) > count else draws[:1]


def _few_shot_metrics(setting: PhotoSetting, draws: Sequence[Sequence[int]], done: Done) -> dict[str, Any]:
    metrics = []
    for chosen in draws:
        recognizer = setting.recognizer(chosen)
        answers = _answers(setting, recognizer, done)
        metrics.append(photo_metrics(answers, _impostor_answers(setting, recognizer, done)))
    return {**mean_metrics(metrics), "draws": len(draws), "photos": len(draws[0])}


def _times(setting: PhotoSetting, recognizer: Recognizer, progress: StepProgress) -> dict[str, Any]:
    """Time decisions one picture at a time on one thread, with the keypoints of the gallery known already."""
    import cv2
    from threadpoolctl import threadpool_limits

    registered = setting.registered
    count = min(TIMED_MAX, len(registered))
    positions = [registered[index] for index in np.linspace(0, len(registered) - 1, count).astype(int)]
    done = progress("pictures timed", count)
    parts: dict[str, list[float]] = {"decode": [], "embed": [], "match": [], "closer_look": [], "all": []}
    cv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            for position in positions:
                at = [time.perf_counter()]
                image = setting.queries.read(position)
                at.append(time.perf_counter())
                embedding = setting.encoder.encode([image])
                at.append(time.perf_counter())
                match = recognizer.match(embedding)[0]
                at.append(time.perf_counter())
                recognizer.settle(match, partial(features_of, image))
                at.append(time.perf_counter())
                for name, begin, end in zip(parts, at, at[1:], strict=False):
                    parts[name].append(1e3 * (end - begin))
                parts["all"].append(1e3 * (at[-1] - at[1]))
                done()
    finally:
        cv2.setNumThreads(cv_threads)
    return {
        "latency_ms": percentiles(parts.pop("all")),
        "latency_parts_ms": {name: percentiles(times) for name, times in parts.items()},
    }
