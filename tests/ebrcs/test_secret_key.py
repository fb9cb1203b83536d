"""The key in the data folder: made once, whole, and the same for all who start at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings as project_settings
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from ebrcs import secret_key
from ebrcs.checks import secret_key_strong
from ebrcs.secret_key import secret_key_fault, secret_key_read

STRONG = "abcde" * 10


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_key_is_made_once_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    key = secret_key_read(tmp_path / "new")
    assert len(key) == 67
    assert secret_key_read(tmp_path / "new") == key
    assert mode_of(tmp_path / "new" / "secret_key") == 0o600
    assert {path.name for path in (tmp_path / "new").iterdir()} <= {"secret_key", "secret_key.lock"}


@pytest.mark.parametrize("content", [b"", b"\n", b" \t\r\n", b"\0" * 67])
def test_a_file_with_nothing_in_it_gets_a_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret_key").write_bytes(content)
    key = secret_key_read(tmp_path)
    assert secret_key_fault(key) == ""
    assert secret_key_read(tmp_path) == key
    assert mode_of(tmp_path / "secret_key") == 0o600


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a", "it has 1 characters, and 50 are needed"),
        (b"abcde" * 9, "it has 45 characters, and 50 are needed"),
        (b"\xff" * 67, "it has 1 different characters, and 5 are needed"),
    ],
)
def test_part_of_a_key_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "secret_key").write_bytes(content)
    with pytest.raises(ImproperlyConfigured) as refused:
        secret_key_read(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path / 'secret_key'} holds no whole key: {fault}. Restore it, or delete it to have a new one "
        "made, after which everybody has to log in again."
    )
    assert (tmp_path / "secret_key").read_bytes() == content


def test_a_key_in_a_folder_that_cannot_be_written_is_read_without_a_lock(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(f"{STRONG}\n")
    assert secret_key_read(tmp_path) == STRONG
    assert not (tmp_path / "secret_key.lock").exists()


def at_once(folder: Path, read: Callable[[Path], str]) -> set[str]:
    with ThreadPoolExecutor(16) as pool:
        return set(pool.map(read, [folder] * 16))


@pytest.mark.parametrize("emptied", [False, True])
def test_all_who_start_at_once_have_the_same_key(tmp_path: Path, *, emptied: bool) -> None:
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        if emptied:
            (folder / "secret_key").touch()
        keys = at_once(folder, secret_key_read)
        assert keys == {(folder / "secret_key").read_text()}


def test_control_without_the_lock_they_make_several(tmp_path: Path) -> None:
    keys = at_once(tmp_path, lambda folder: secret_key._made(folder / "secret_key"))
    assert len(keys) > 1


def test_a_command_starts_beside_an_empty_key_file(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    outcome = subprocess.run(
        [sys.executable, "-c", "from ebrcs.settings import SECRET_KEY; print(len(SECRET_KEY))"],
        cwd=project_settings.BASE_DIR,
        env={**os.environ, "EBRCS_SECRET_KEY": "", "EBRCS_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert outcome.stdout == "67\n"


@pytest.mark.parametrize(
    ("key", "ids"),
    [("x", ["ebrcs.E008"]), (STRONG[:-1], ["ebrcs.E008"]), ("abcd" * 20, ["ebrcs.E008"]), (STRONG, [])],
)
def test_a_key_that_can_be_guessed_is_refused_in_a_deployment(
    settings: Settings, key: str, ids: list[str]
) -> None:
    assert (secret_key.CHARACTERS_MIN, secret_key.DISTINCT_MIN) == (50, 5)
    settings.SECRET_KEY = key
    assert [message.id for message in secret_key_strong(None)] == ids
