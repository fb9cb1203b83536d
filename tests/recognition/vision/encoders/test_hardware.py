"""Device, number format and threads: what is free is used, what is told is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from recognition.vision.encoders import hardware
from recognition.vision.encoders.errors import EncoderError

CPU = torch.device("cpu")


def loaded(monkeypatch: pytest.MonkeyPatch, *, cores: int, load: float) -> None:
    monkeypatch.setattr(hardware, "allowed_cores", lambda: cores)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 9.0, 9.0))


@pytest.mark.parametrize(
    ("cores", "load", "expected"),
    [(8, 0.1, 8), (8, 3.2, 5), (8, 7.0, 1), (8, 30.0, 1), (1, 0.0, 1)],
)
def test_busy_cores_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch, cores: int, load: float, expected: int
) -> None:
    loaded(monkeypatch, cores=cores, load=load)
    assert hardware.free_threads() == expected


def test_a_number_that_was_told_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(monkeypatch, cores=2, load=2.0)
    assert hardware.free_threads(4) == 4


def test_less_than_one_thread_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        hardware.free_threads(0)


@pytest.mark.parametrize(
    ("content", "expected"), [("max 100000", 6), ("250000 100000", 2), ("nonsense", 6), (None, 6)]
)
def test_a_container_quota_is_read(tmp_path: Path, content: str | None, expected: int) -> None:
    path = tmp_path / "cpu.max"
    if content is not None:
        path.write_text(content, encoding="ascii")
    assert hardware._quota_cores(path, 6) == expected


def test_a_part_of_a_core_is_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_quota_cores", lambda path, cores: 0)
    assert hardware.allowed_cores() == 1


@pytest.mark.parametrize(
    ("abilities", "expected"),
    [
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_f": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_bfloat16_is_taken_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, abilities: dict[str, bool], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: abilities)
    assert hardware.choose_dtype("auto", CPU) is expected


def test_a_dtype_that_was_told_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert hardware.choose_dtype("float32", CPU) is torch.float32


def test_cuda_is_taken_where_there_is_one_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert hardware.choose_device().type == "cuda"
    assert hardware.choose_device("cpu").type == "cpu"


def test_asking_for_cuda_where_there_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert hardware.choose_device().type == "cpu"
    with pytest.raises(EncoderError, match="no CUDA device: use auto or cpu"):
        hardware.choose_device("cuda")
