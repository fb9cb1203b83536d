"""Command line of the training: ``python -m recognition.training --help``."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import torch
from torch import nn

from recognition.training.colours import colours_fit
from recognition.training.export import weights_export
from recognition.training.judging import LabelledVectors, metrics
from recognition.training.loop import CheckpointMismatch, Trainer, train
from recognition.training.photos import DATA_DEFAULT, PhotoSet, photos_load
from recognition.training.recipe import UNSEEN_CLASSES, Recipe
from recognition.training.shelf import shelf_load
from recognition.training.vectors import visual_vectors
from recognition.training.warm_start import start_from
from recognition.vision.encoders.compact import WeightsUnusable


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m recognition.training", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_DEFAULT)
    parser.add_argument("--cache", type=Path, default=Path("var/training/photos"), help="decoded photos")
    parser.add_argument("--checkpoint", type=Path, default=Path("var/training/compact.pt"))
    parser.add_argument("--out", type=Path, help="where to write the weights, as safetensors")
    parser.add_argument("--fresh", action="store_true", help="start over although there is a checkpoint")
    parser.add_argument("--start-from", type=Path, help="weights to go on from, instead of fresh ones")
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    parser.add_argument("--keep-out", action="store_true", help="train without 15 classes and judge on them")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--size", type=int, default=Recipe.size_px, help="side of the views in px")
    parser.add_argument("--packs", type=int, default=Recipe.packs)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument("--threads", type=int, default=0, help="processor threads, 0 for torch's own choice")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Train, go on from the checkpoint where there is one, judge, and write the weights."""
    options = parse(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        recipe = Recipe(
            steps=options.steps,
            batch=options.batch,
            size_px=options.size,
            packs=options.packs,
            seed=options.seed,
            learning_rate=options.learning_rate,
            start=hashlib.sha256(options.start_from.read_bytes()).hexdigest() if options.start_from else "",
            unseen=UNSEEN_CLASSES if options.keep_out else (),
        )
        shelf = shelf_load(recipe, options.data, options.cache)
        gallery, queries = (photos_load(options.data, split, options.cache) for split in ("train", "val"))
        trainer = Trainer(recipe, shelf, "cuda" if torch.cuda.is_available() else "cpu")
        if options.checkpoint.exists() and not options.fresh:
            trainer.resume(options.checkpoint)
        elif options.start_from:
            start_from(trainer, options.start_from)
    except (ValueError, FileNotFoundError, CheckpointMismatch, WeightsUnusable) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    options.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    history = train(
        trainer,
        checkpoint=options.checkpoint,
        judge=lambda network: judge(network, gallery, queries, recipe, trainer.device),
        every=options.every,
    )
    with options.checkpoint.with_suffix(".jsonl").open("a", encoding="utf-8") as log:
        log.writelines(json.dumps(entry) + "\n" for entry in history)
    if options.out:
        weights_export(trainer.averaged, colours_fit(gallery, unseen=recipe.unseen), options.out)
        print(f"wrote {options.out}")  # noqa: T201
    return 0


def judge(
    network: nn.Module, gallery: PhotoSet, queries: PhotoSet, recipe: Recipe, device: str
) -> dict[str, float]:
    """Compute the metrics of a network in training, from its visual block alone."""
    cartons = {label for label, packaged in zip(gallery.labels, gallery.packaged, strict=True) if packaged}
    sides = [
        LabelledVectors(visual_vectors(network, photos.pixels, device=device), photos.names())
        for photos in (gallery, queries)
    ]
    return metrics(sides[0], sides[1], cartons=cartons, unseen=recipe.unseen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
