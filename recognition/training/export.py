"""Turns a trained network into the weights file that ships: normalisations folded, half precision."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from recognition.vision.encoders.compact import COLOUR_MEAN, COLOUR_PROJECTION, CompactNetwork, Convolution
from recognition.vision.encoders.descriptor import ColourLayout


def weights_fold(network: nn.Module) -> dict[str, Tensor]:
    """State of the folded twin of a trained network: each normalisation moved into the weights before it."""
    trained = dict(network.named_modules())
    state: dict[str, Tensor] = {}
    for name, module in trained.items():
        if isinstance(module, Convolution):
            weight, bias = _fold(module.weights.weight, module.norm)
            state[f"{name}.weights.weight"], state[f"{name}.weights.bias"] = weight, bias
    state["head.weight"], state["head.bias"] = _fold(trained["head"].weight, trained["head_norm"])
    return state


def _fold(weight: Tensor, norm: nn.Module) -> tuple[Tensor, Tensor]:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    folded = weight * scale.view(-1, *[1] * (weight.ndim - 1))
    return folded.detach().cpu(), (norm.bias - norm.running_mean * scale).detach().cpu()


def weights_export(network: nn.Module, colours: ColourLayout, file: Path) -> None:
    """Write the folded weights and the colour statistics as float16 safetensors.

    Raises
    ------
    RuntimeError
        When the folded weights do not fit the encoder's own network.
    """
    folded = weights_fold(network)
    CompactNetwork(folded=True).load_state_dict(folded)
    folded[COLOUR_MEAN] = torch.from_numpy(colours.mean)
    folded[COLOUR_PROJECTION] = torch.from_numpy(colours.projection)
    state = {key: value.half().contiguous() for key, value in folded.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    save_file(state, part, metadata={"format": "pt", "network": "compact"})
    part.chmod(0o644)  # the library writes for its owner alone; a server may run as another user
    part.replace(file)
