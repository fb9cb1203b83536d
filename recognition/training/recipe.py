"""The settings of a training run, all of them, so that a checkpoint says how it came to be."""

from __future__ import annotations

from dataclasses import dataclass

UNSEEN_CLASSES = (
    "God-Morgon-Apple-Juice",
    "God-Morgon-Orange-Juice",
    "Tropicana-Golden-Grapefruit",
    "Arla-Standard-Milk",
    "Garant-Ecological-Standard-Milk",
    "Alpro-Vanilla-Soyghurt",
    "Yoggi-Vanilla-Yoghurt",
    "Valio-Vanilla-Yoghurt",
    "Granny-Smith",
    "Lemon",
    "Cantaloupe",
    "Conference",
    "Carrots",
    "Ginger",
    "Red-Bell-Pepper",
)


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a run.

    Attributes
    ----------
    steps : batches until the learning rate reaches zero
    batch : views a step
    size_px : side of the views; the encoder may look at a larger side than it was trained on
    early_size_px, early_share : the side during the first share of the steps, where detail is not yet missed
    packs : drawn packs, each a class of its own
    grocery_share, clothing_share : of a batch; drawn packs take the rest
    margin, scale : of the cosine softmax (H. Wang et al., CosFace, 2018)
    rivals : classes of one photo or pack that a step is compared with, drawn for each step, beside its own
        and all of the shop's (X. An et al., Partial FC, 2021); with all, an eighth of a step went there
    patched : share of the views that carry a patch of another and count as both, by area
        (S. Yun et al., CutMix, 2019)
    learning_rate, weight_decay : of AdamW, warmed up over ``warmup`` steps, then along a half cosine
    average : per step decay of the averaged weights, the ones that ship
    unseen : classes whose photos are kept out of training
    start : digest of the weights the run started from; empty for fresh ones
    """

    steps: int = 4500
    batch: int = 64
    size_px: int = 96
    early_size_px: int = 80
    early_share: float = 0.5
    packs: int = 4000
    grocery_share: float = 0.5
    clothing_share: float = 0.2
    margin: float = 0.2
    scale: float = 20.0
    rivals: int = 1500
    patched: float = 0.4
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup: int = 200
    average: float = 0.998
    seed: int = 1
    unseen: tuple[str, ...] = ()
    start: str = ""

    def __post_init__(self) -> None:
        if (
            min(self.steps, self.batch, self.size_px, self.early_size_px) < 1
            or min(self.packs, self.rivals) < 0
        ):
            raise ValueError("steps, batch and sizes must be at least 1, packs and rivals at least 0")
        if not 0.0 <= self.grocery_share + self.clothing_share <= 1.0:
            raise ValueError("grocery_share and clothing_share must add up to at most 1")

    def size_at(self, step: int) -> int:
        """Side of the views of a step."""
        return self.early_size_px if step < self.early_share * self.steps else self.size_px
