"""Goes on from weights that shipped: the normalisations that were folded away are put back first."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from recognition.training.loop import Trainer
from recognition.training.vectors import visual_vectors
from recognition.vision.encoders.compact import Convolution, weights_read

MEASURED_STEPS = 4
"""Batches of views that the statistics of the normalisations are measured on."""


def start_from(trainer: Trainer, file: Path) -> None:
    """Give a trainer the weights of a shipped file, and each class its own photos' mean vector as a proxy.

    Nothing of the optimiser's state is in such a file, so a run started so repeats exactly, but is not the
    continuation of the run that made the file.

    Raises
    ------
    WeightsUnusable
        When the file is missing, damaged or holds another network.
    """
    views = torch.cat([trainer.views(step).pixels for step in range(MEASURED_STEPS)])
    weights_unfold(trainer.network, weights_read(file), views)
    trainer.averaged.load_state_dict(trainer.network.state_dict())
    means = torch.zeros(trainer.proxies.shape)
    for classes, squares in trainer.shelf.squares():
        vectors = visual_vectors(trainer.averaged, squares, device=trainer.device)
        means.index_add_(0, torch.from_numpy(classes), torch.from_numpy(vectors))
    trainer.proxies.data.copy_(F.normalize(means))


@torch.no_grad()
def weights_unfold(network: nn.Module, folded: dict[str, Tensor], views: Tensor) -> None:
    """Fill a network that has normalisations with weights in which they were folded. Mutates network.

    Each layer is scaled to the spread that fresh weights have, so that the optimiser's steps are of the
    right size for it, and its normalisation gives back just the scale and shift that were taken away.

    Parameters
    ----------
    network : ``CompactNetwork(folded=False)``
    folded : state of its folded twin
    views : float (n, 3, side, side), normalised, to measure each layer's statistics on
    """
    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, Convolution):
            hooks.append(_fill(module.weights, module.norm, folded, f"{name}.weights"))
        elif name == "head":
            hooks.append(_fill(module, network.get_submodule("head_norm"), folded, name))
    network.eval()
    network(views)
    for hook in hooks:
        hook.remove()


def _fill(
    layer: nn.Module, norm: nn.Module, folded: dict[str, Tensor], name: str
) -> torch.utils.hooks.RemovableHandle:
    weight, bias = folded[f"{name}.weight"], folded[f"{name}.bias"]
    scale = float(weight.std()) / (2.0 / weight[0].numel()) ** 0.5
    layer.weight.copy_(weight / scale)

    def restore(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        outputs = output.transpose(0, 1).flatten(1).float()
        mean, deviation = outputs.mean(dim=1), outputs.var(dim=1)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(deviation)
        norm.weight.copy_(scale * torch.sqrt(deviation + norm.eps))
        norm.bias.copy_(bias.to(mean.device) + scale * mean)

    return layer.register_forward_hook(restore)
