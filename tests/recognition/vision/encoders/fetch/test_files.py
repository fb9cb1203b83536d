"""What is checked of files before and after a download."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recognition.vision.encoders.fetch import files
from recognition.vision.encoders.fetch.files import check_room, file_delete, same_as_hub, size_readable
from recognition.vision.encoders.fetch.refusals import FetchRefused


@pytest.mark.parametrize(
    ("size_bytes", "written"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_000, "999 kB"),
        (1_000_000, "1 MB"),
        (999_000_000, "999 MB"),
        (1_000_000_000, "1.0 GB"),
        (1_250_000_000_000, "1250.0 GB"),
    ],
)
def test_a_size_is_written_in_decimal_units(size_bytes: int, written: str) -> None:
    assert size_readable(size_bytes) == written


def test_a_download_may_fill_the_disk_to_the_last_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def disk_usage(folder: Path) -> Any:
        asked.append(folder)
        return SimpleNamespace(free=5_000)

    monkeypatch.setattr(files, "shutil", SimpleNamespace(disk_usage=disk_usage))
    check_room(tmp_path / "not" / "yet", 5_000)
    assert asked == [tmp_path]
    with pytest.raises(FetchRefused) as refused:
        check_room(tmp_path, 5_001)
    assert (refused.value.problem, str(refused.value)) == (
        "disk_full",
        f"{tmp_path} has 5 kB free, the download needs 5 kB: free some space or choose another folder",
    )


def test_a_file_is_the_hubs_by_either_of_its_hashes(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"{}")
    sha256 = hashlib.sha256(b"{}").hexdigest()
    git = hashlib.sha1(b"blob 2\0{}", usedforsecurity=False).hexdigest()

    def same(lfs: str | None, blob_id: str | None, where: Path = path) -> bool:
        large = None if lfs is None else SimpleNamespace(sha256=lfs)
        sibling: Any = SimpleNamespace(lfs=large, blob_id=blob_id)
        return same_as_hub(where, sibling, digests=None)

    assert same(sha256, "of the pointer file")
    assert not same("0" * 64, git)
    assert same(None, git)
    assert not same(None, "0" * 40)
    assert same(None, None)
    assert not same(sha256, git, tmp_path / "absent")


def test_deleting_takes_the_blob_behind_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "blob")
    file_delete(tmp_path / "link")
    assert list(tmp_path.iterdir()) == []
    file_delete(tmp_path / "link")
