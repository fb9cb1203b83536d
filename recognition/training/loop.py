"""Trains the compact network: one step after another, each the same however often the run was interrupted."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from tqdm import tqdm

from recognition.training.augment import Augmenter, patch
from recognition.training.precision import native_autocast
from recognition.training.recipe import Recipe
from recognition.training.shelf import Shelf
from recognition.vision.encoders.compact import CompactNetwork, normalise
from recognition.vision.encoders.layout import VISUAL_DIM


class CheckpointMismatch(Exception):
    """The checkpoint was made by another recipe or on other data than the run that wants to go on."""


@dataclass(frozen=True)
class Views:
    """What one step looks at.

    Attributes
    ----------
    pixels : float (n, 3, side, side), normalised
    classes : int64 (n,), class numbers
    own_share : float (n,), how much of a view is of its own class; the rest is of the one before it
    """

    pixels: Tensor
    classes: Tensor
    own_share: Tensor


class Trainer:
    """A network in training with all the state a step needs.

    Each step draws its batch and its views from the recipe's seed and the step's own number, so that
    nothing but weights and optimiser state has to survive an interruption.

    Parameters
    ----------
    recipe, shelf : what to train on and how
    device : ``cpu`` or ``cuda``; products are computed in bfloat16 where that is native, else in float32
    """

    def __init__(self, recipe: Recipe, shelf: Shelf, device: str = "cpu") -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.shelf, self.device = recipe, shelf, device
        self.network = CompactNetwork(folded=False).to(device, memory_format=torch.channels_last)
        self.averaged = CompactNetwork(folded=False).to(device, memory_format=torch.channels_last)
        self.averaged.load_state_dict(self.network.state_dict())
        self.averaged.eval().requires_grad_(requires_grad=False)
        self.proxies = nn.Parameter(torch.randn(shelf.class_count, VISUAL_DIM, device=device) * 0.05)
        decayed = [weight for weight in self.network.parameters() if weight.ndim > 1]
        plain = [weight for weight in self.network.parameters() if weight.ndim == 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": recipe.weight_decay},
                {"params": [*plain, self.proxies], "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
            fused=True,
        )
        self.done = 0

    def views(self, step: int) -> Views:
        """The views of a step, which depend on nothing but recipe and step."""
        recipe = self.recipe
        batch = self.shelf.batch(step)
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        pixels = (
            torch.from_numpy(batch.pixels).to(self.device).permute(0, 3, 1, 2).contiguous().float() / 255.0
        )
        with torch.no_grad():
            views = Augmenter(recipe.size_at(step), generator)(pixels, torch.from_numpy(batch.counter_share))
            views, own_share = patch(views, recipe.patched, generator)
            views = normalise(views).contiguous(memory_format=torch.channels_last)
        return Views(views, torch.from_numpy(batch.classes).to(self.device), own_share)

    def step(self, views: Views) -> float:
        """Take the next step on its views; return its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self.network.train()
        with native_autocast(self.device):
            vectors = self.network(views.pixels)
        loss = self._loss(vectors.float(), views.classes, views.own_share)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.done += 1
        self._average()
        return float(loss.detach())

    def _loss(self, vectors: Tensor, classes: Tensor, own_share: Tensor) -> Tensor:
        """Cosine softmax: the true class must win although its cosine is lowered by the margin.

        A patched view is asked for both its classes, each to its share.
        """
        compared = self._compared(classes)
        places = torch.searchsorted(compared, classes)
        with native_autocast(self.device):
            cosines = F.normalize(vectors) @ F.normalize(self.proxies[compared]).T
        cosines = cosines.float()

        def each(places: Tensor) -> Tensor:
            lowered = torch.zeros_like(cosines).scatter_(1, places[:, None], self.recipe.margin)
            return F.cross_entropy((cosines - lowered) * self.recipe.scale, places, reduction="none")

        patched = each(places.roll(1)) if self.recipe.patched else 0.0
        return (own_share * each(places) + (1.0 - own_share) * patched).mean()

    def _compared(self, classes: Tensor) -> Tensor:
        """The classes of this step's softmax, rising: the shop's, the batch's own and the drawn rivals."""
        shop = len(self.shelf.class_names)
        rng = np.random.default_rng((self.recipe.seed, self.done, 1))
        others = self.shelf.class_count - shop
        rivals = shop + rng.permutation(others)[: self.recipe.rivals]
        drawn = torch.from_numpy(rivals).to(self.device)
        return torch.cat([torch.arange(shop, device=self.device), drawn, classes]).unique()

    def _learning_rate(self) -> float:
        recipe = self.recipe
        warm = min(1.0, (self.done + 1) / max(recipe.warmup, 1))
        return recipe.learning_rate * warm * 0.5 * (1.0 + math.cos(math.pi * self.done / recipe.steps))

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged weights a little; fast in the first steps, when the weights are still far off."""
        keep = min(self.recipe.average, (1 + self.done) / (10 + self.done))
        current = self.network.state_dict()
        for key, value in self.averaged.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[key], 1.0 - keep)
            else:
                value.copy_(current[key])

    def save(self, file: Path) -> None:
        """Write a checkpoint; a crash leaves the one before it whole."""
        state = {
            "recipe": asdict(self.recipe),
            "classes": self.shelf.class_count,
            "done": self.done,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "proxies": self.proxies.detach(),
            "optimiser": self.optimiser.state_dict(),
        }
        part = file.with_suffix(".part")
        torch.save(state, part)
        part.replace(file)

    def resume(self, file: Path) -> None:
        """Go on from a checkpoint of the same recipe; only the number of steps may differ.

        Raises
        ------
        CheckpointMismatch
            When recipe or classes differ.
        """
        state = torch.load(file, map_location=self.device, weights_only=True)
        before, now = dict(state["recipe"]), asdict(self.recipe)
        before.pop("steps")
        now.pop("steps")
        if before != now or state["classes"] != self.shelf.class_count:
            raise CheckpointMismatch(f"{file} was made by another recipe: {before} instead of {now}")
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.proxies.data.copy_(state["proxies"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = int(state["done"])


def train(
    trainer: Trainer,
    *,
    checkpoint: Path,
    judge: Callable[[nn.Module], dict[str, float]] | None = None,
    every: int = 250,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Take all steps that are left, judging the averaged weights and saving a checkpoint now and then.

    Returns
    -------
    one entry per stop: step, mean loss since the last stop, and the judge's metrics
    """
    history: list[dict[str, Any]] = []
    losses: list[float] = []
    bar = tqdm(
        total=trainer.recipe.steps, initial=trainer.done, desc="train", mininterval=5.0, disable=not progress
    )
    # Drawing the next views beside the current step keeps two cores busy without splitting each operation
    # between them: on a shared machine a split operation waits for the slower half, up to ten times longer.
    with ThreadPoolExecutor(max_workers=1) as drawing:
        ahead = drawing.submit(trainer.views, trainer.done)
        while trainer.done < trainer.recipe.steps:
            views = ahead.result()
            ahead = drawing.submit(trainer.views, trainer.done + 1)
            losses.append(trainer.step(views))
            bar.update()
            if trainer.done % every == 0 or trainer.done == trainer.recipe.steps:
                history.append(_stop(trainer, losses, judge))
                losses.clear()
                trainer.save(checkpoint)
                if progress:
                    bar.write(" ".join(f"{key} {value}" for key, value in history[-1].items()))
    bar.close()
    return history


def _stop(
    trainer: Trainer, losses: list[float], judge: Callable[[nn.Module], dict[str, float]] | None
) -> dict[str, Any]:
    entry: dict[str, Any] = {"step": trainer.done, "loss": round(sum(losses) / len(losses), 4)}
    if judge is not None:
        entry |= {key: round(value, 4) for key, value in judge(trainer.averaged).items()}
    return entry
