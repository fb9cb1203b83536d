"""Training and judging compute in what the processor multiplies natively."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from recognition.training.loop import Trainer
from recognition.training.precision import native_autocast
from recognition.training.vectors import visual_vectors
from tests.recognition.training.test_training import TINY, draw_packs, tiny_shelf

pytestmark = pytest.mark.usefixtures("one_torch_thread")
NATIVE, EMULATED = {"avx512_bf16": True}, {"avx512_f": True, "avx2": True}
KINDS = [
    pytest.param(NATIVE, torch.bfloat16, id="native"),
    pytest.param({"amx_bf16": True}, torch.bfloat16, id="tiles"),
    pytest.param(EMULATED, torch.float32, id="emulated"),
]


class Products(TorchDispatchMode):
    """Notes the number format of every convolution and matrix product, the backward ones included."""

    def __init__(self) -> None:
        super().__init__()
        self.dtypes: set[torch.dtype] = set()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in {"convolution", "convolution_backward", "mm", "addmm", "bmm"}:
            self.names.add(name)
            self.dtypes |= {each.dtype for each in args if isinstance(each, torch.Tensor)}
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("abilities", "dtype"), KINDS)
def test_a_step_multiplies_in_the_native_format(
    monkeypatch: pytest.MonkeyPatch, abilities: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: abilities)
    trainer = Trainer(TINY, tiny_shelf(TINY))
    views = trainer.views(0)
    with Products() as products:
        loss = trainer.step(views)
    assert products.names == {"convolution", "convolution_backward", "mm"}
    assert products.dtypes == {dtype}
    assert np.isfinite(loss)
    assert {weight.dtype for weight in trainer.network.parameters()} == {torch.float32}


@pytest.mark.parametrize(("abilities", "dtype"), KINDS)
def test_judging_multiplies_in_the_native_format(
    monkeypatch: pytest.MonkeyPatch, abilities: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: abilities)
    network = Trainer(TINY, tiny_shelf(TINY)).averaged
    with Products() as products:
        vectors = visual_vectors(network, draw_packs(2, side_px=40), side_px=32)
    assert products.dtypes == {dtype}
    assert (vectors.dtype, vectors.shape) == (np.float32, (2, 1024))


def test_a_cuda_device_is_asked_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    chosen = []
    monkeypatch.setattr(torch, "autocast", lambda device, **options: chosen.append((device, options)))
    for native in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda native=native: native)
        native_autocast("cuda")
    assert chosen == [
        ("cuda", {"dtype": torch.bfloat16, "enabled": True}),
        ("cuda", {"dtype": torch.bfloat16, "enabled": False}),
    ]
