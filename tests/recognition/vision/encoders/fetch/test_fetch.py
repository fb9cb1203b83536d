"""Downloading checkpoints from a hub that behaves, and from every kind that does not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import OfflineModeIsEnabled
from safetensors.numpy import save

from recognition.vision.encoders.checkpoints import CLIP_B32_256, ENCODER_PARTS, Checkpoint, locate
from recognition.vision.encoders.errors import UnknownEncoder
from recognition.vision.encoders.fetch import hub as hub_fetching
from recognition.vision.encoders.fetch.download import fetch
from recognition.vision.encoders.fetch.results import FetchResult
from recognition.vision.encoders.registry import available
from tests.recognition.vision.encoders.fetch.fake_hub import FakeHub, running_hub

COPY = ENCODER_PARTS["dinov3-convnext"].visual["timm"]
ORIGINAL = ENCODER_PARTS["dinov3-convnext"].visual["facebook"]


def weights_of(checkpoint: Checkpoint) -> bytes:
    """A safetensors file with nothing but the tensors that tell the network."""
    shapes = checkpoint.tensor_shapes.items()
    return save({f"network.{name}": np.zeros(shape, np.float16) for name, shape in shapes})


def files_of(checkpoint: Checkpoint) -> dict[str, bytes]:
    configs = {name: f'{{"of": "{checkpoint.repo}"}}'.encode() for name in checkpoint.config_files}
    return {**configs, checkpoint.weight_files[0]: weights_of(checkpoint), "README.md": b"not needed"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub() as running:
        running.repos = {each.repo: files_of(each) for each in (COPY, ORIGINAL, CLIP_B32_256)}
        running.gated = {ORIGINAL.repo}
        yield running


def run(hub: FakeHub, models_dir: Path | None, **options: Any) -> list[FetchResult]:
    options = {"report": lambda _line: None, "endpoint": hub.url, **options}
    return fetch(["dinov3-convnext"], models_dir=models_dir, **options)


def test_a_download_makes_the_encoder_available(hub: FakeHub, tmp_path: Path) -> None:
    assert not available(tmp_path)["dinov3-convnext"].ready
    lines: list[str] = []
    results = run(hub, tmp_path, report=lines.append)
    assert [(each.repo, each.state, each.problem) for each in results] == [
        (COPY.repo, "downloaded", None),
        (CLIP_B32_256.repo, "downloaded", None),
    ]
    assert available(tmp_path)["dinov3-convnext"].ready
    weights = tmp_path / COPY.repo / "model.safetensors"
    assert weights.read_bytes() == hub.repos[COPY.repo]["model.safetensors"]
    assert not (tmp_path / COPY.repo / "README.md").exists()
    assert f"{COPY.repo}, licence: {COPY.licence}" in lines


def test_what_is_there_and_sound_is_not_sent_again(hub: FakeHub, tmp_path: Path) -> None:
    run(hub, tmp_path)
    hub.requests.clear()
    assert [each.state for each in run(hub, tmp_path)] == ["present", "present"]
    assert hub.downloads() == []


@pytest.mark.parametrize("damaged", ["model.safetensors", "config.json"])
def test_a_file_that_changed_on_disk_is_fetched_again(hub: FakeHub, tmp_path: Path, damaged: str) -> None:
    run(hub, tmp_path)
    path = tmp_path / COPY.repo / damaged
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    hub.requests.clear()
    assert [each.state for each in run(hub, tmp_path)] == ["downloaded", "present"]
    assert path.read_bytes() == whole
    assert damaged in hub.downloads()


def test_the_hubs_own_cache_serves_as_well(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert [each.state for each in run(hub, None)] == ["downloaded", "downloaded"]
    located = locate(COPY, None)
    assert located is not None
    assert located.folder.is_relative_to(tmp_path)
    assert [each.state for each in run(hub, None)] == ["present", "present"]
    blob = located.weights.resolve()
    blob.write_bytes(b"rubbish")
    assert [each.state for each in run(hub, None)] == ["downloaded", "present"]
    assert located.weights.read_bytes() == hub.repos[COPY.repo]["model.safetensors"]


def test_bytes_damaged_on_the_way_are_refused_and_deleted(hub: FakeHub, tmp_path: Path) -> None:
    hub.damaged = {"model.safetensors"}
    results = run(hub, tmp_path)
    assert (results[0].state, results[0].problem) == ("failed", "damaged")
    assert "checksum is not the hub's" in results[0].detail
    assert not (tmp_path / COPY.repo / "model.safetensors").exists()
    assert results[1].state == "downloaded"


def test_another_networks_weights_are_refused(hub: FakeHub, tmp_path: Path) -> None:
    hub.repos[COPY.repo]["model.safetensors"] = save({"head.norm.weight": np.zeros(768, np.float16)})
    result = run(hub, tmp_path)[0]
    assert (result.state, result.problem) == ("failed", "damaged")
    assert "head.norm.weight has shape (768,), expected (1024,)" in result.detail
    assert not (tmp_path / COPY.repo / "model.safetensors").exists()


def test_a_gated_model_names_the_form_and_the_token(hub: FakeHub, tmp_path: Path) -> None:
    results = run(hub, tmp_path, source="facebook")
    assert (results[0].state, results[0].problem) == ("failed", "gated")
    assert f"accept the form at {hub.url}/{ORIGINAL.repo}" in results[0].detail
    assert "set HF_TOKEN" in results[0].detail
    assert not available(tmp_path)["dinov3-convnext"].ready
    assert results[1].state == "downloaded"


def test_a_token_with_access_opens_the_gated_model(hub: FakeHub, tmp_path: Path) -> None:
    results = run(hub, tmp_path, source="facebook", token=hub.token)
    assert [each.state for each in results] == ["downloaded", "downloaded"]
    assert available(tmp_path)["dinov3-convnext"].found[0] == ORIGINAL.repo


def test_a_token_the_hub_refuses_is_named(hub: FakeHub, tmp_path: Path) -> None:
    hub.status, hub.message = 401, "Invalid credentials in Authorization header"
    result = run(hub, tmp_path, token="hf_wrong")[0]
    assert (result.state, result.problem) == ("failed", "token")
    assert "refuses the token: check HF_TOKEN" in result.detail


def test_a_model_that_is_gone_is_named(hub: FakeHub, tmp_path: Path) -> None:
    del hub.repos[COPY.repo]
    result = run(hub, tmp_path)[0]
    assert (result.state, result.problem) == ("failed", "not_found")
    assert COPY.repo in result.detail


def test_a_file_that_is_gone_is_named(hub: FakeHub, tmp_path: Path) -> None:
    del hub.repos[CLIP_B32_256.repo]["open_clip_config.json"]
    result = run(hub, tmp_path)[1]
    assert (result.state, result.problem) == ("failed", "not_found")
    assert result.detail == f"{CLIP_B32_256.repo} no longer offers open_clip_config.json"


def test_a_hub_in_trouble_is_named(hub: FakeHub, tmp_path: Path) -> None:
    hub.status = 500
    result = run(hub, tmp_path)[0]
    assert (result.problem, result.detail) == ("hub", f"{hub.url} answered 500: try again later")


def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_without_a_network_the_way_around_is_named(tmp_path: Path) -> None:
    nowhere = unused_address()
    results = fetch(["dinov3-convnext"], models_dir=tmp_path, endpoint=nowhere, report=lambda _line: None)
    assert [(each.state, each.problem) for each in results] == [("failed", "unreachable")] * 2
    assert f"{nowhere} cannot be reached" in results[0].detail
    assert f"copy {COPY.repo} from another machine to {tmp_path / COPY.repo}" in results[0].detail


def test_without_a_network_what_is_there_still_counts(hub: FakeHub, tmp_path: Path) -> None:
    run(hub, tmp_path)
    results = run(hub, tmp_path, endpoint=unused_address())
    assert [(each.state, each.problem) for each in results] == [("present", None)] * 2
    assert "could not be compared with the hub" in results[0].detail


def test_without_a_network_a_damaged_file_does_not_count(hub: FakeHub, tmp_path: Path) -> None:
    run(hub, tmp_path)
    (tmp_path / COPY.repo / "model.safetensors").write_bytes(b"rubbish")
    results = run(hub, tmp_path, endpoint=unused_address())
    assert [(each.state, each.problem) for each in results] == [("failed", "unreachable"), ("present", None)]


def test_offline_mode_is_named(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OfflineModeIsEnabled("offline")

    monkeypatch.setattr(HfApi, "model_info", refuse)
    result = run(hub, tmp_path)[0]
    assert (result.problem, result.detail) == ("offline", "HF_HUB_OFFLINE forbids downloads: unset it")


def test_a_disk_too_small_is_named_before_anything_is_sent(hub: FakeHub, tmp_path: Path) -> None:
    hub.claimed_size = 10**17
    result = run(hub, tmp_path / "not" / "there" / "yet")[0]
    assert (result.state, result.problem) == ("failed", "disk_full")
    assert "free some space" in result.detail
    assert hub.downloads() == []


def test_a_disk_that_fills_up_on_the_way_is_named(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_args: object, **_options: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub_fetching, "hf_hub_download", fill)
    result = run(hub, tmp_path)[0]
    assert (result.state, result.problem) == ("failed", "disk_full")


def test_an_unknown_name_is_refused_before_anything_is_asked(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UnknownEncoder, match=r"no encoder 'dinov4'.* dinov3-vitl, dinov3-convnext, compact"):
        fetch(["dinov3-convnext", "dinov4"], models_dir=tmp_path, endpoint=hub.url)
    assert hub.requests == []


def test_compact_needs_nothing(hub: FakeHub, tmp_path: Path) -> None:
    results = fetch(["compact"], models_dir=tmp_path, endpoint=hub.url, report=lambda _line: None)
    assert [(each.repo, each.state) for each in results] == [("compact", "present")]
    assert hub.requests == []


def test_a_network_shared_by_two_encoders_is_fetched_once(hub: FakeHub, tmp_path: Path) -> None:
    vitl = ENCODER_PARTS["dinov3-vitl"].visual["timm"]
    hub.repos[vitl.repo] = files_of(vitl)
    results = fetch(
        ["dinov3-vitl", "dinov3-convnext"], models_dir=tmp_path, endpoint=hub.url, report=lambda _line: None
    )
    assert [each.repo for each in results] == [vitl.repo, CLIP_B32_256.repo, COPY.repo]
    assert hub.downloads().count("open_clip_model.safetensors") == 1


def test_older_weights_files_are_taken_where_there_is_no_other(hub: FakeHub, tmp_path: Path) -> None:
    import io

    import torch

    shapes = CLIP_B32_256.tensor_shapes.items()
    stream = io.BytesIO()
    torch.save({name: torch.zeros(shape, dtype=torch.float16) for name, shape in shapes}, stream)
    files = hub.repos[CLIP_B32_256.repo]
    del files["open_clip_model.safetensors"]
    files["open_clip_pytorch_model.bin"] = stream.getvalue()
    assert run(hub, tmp_path)[1].state == "downloaded"
    located = locate(CLIP_B32_256, tmp_path)
    assert located is not None
    assert located.weights.name == "open_clip_pytorch_model.bin"
