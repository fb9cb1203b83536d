"""The folder of index files: generations written beside the old ones, and switched in one step."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from recognition.vision.store.durable import folder_sync
from recognition.vision.store.generation_files import (
    FileProblem,
    file_write,
    generation_check,
    generation_read,
    generation_write,
    manifest_sign,
)
from recognition.vision.store.snapshot import Snapshot

CURRENT = "CURRENT"

_CURRENT_LINE = re.compile(r"(gen-[1-9][0-9]*) ([0-9a-f]{64})(?: ([0-9a-f]{64}))?\n")
_GENERATION_NAME = re.compile(r"gen-([1-9][0-9]*)")


class NoGeneration(Exception):
    """Nothing was ever written here."""


class GenerationDamaged(Exception):
    """The files are not what was written; the message names the file and what is wrong with it."""


class FingerprintMismatch(Exception):
    """The files hold embeddings of another encoder."""

    def __init__(self, *, found: str, expected: str) -> None:
        super().__init__(f"the index files were made by the encoder {found}, this one is {expected}")
        self.found = found
        self.expected = expected


class GenerationStore:
    """The folder of index files.

    ``gen-N`` folders are written under another name, flushed to disk and renamed; then ``CURRENT``, which
    names the live folder with the digest and the signature of its manifest, is replaced in one step. Whenever
    the power goes, ``CURRENT`` names a complete generation: the old one or the new one. The manifest carries
    the digest of each file, so that truncation, a flipped bit or a file of another generation does not pass,
    and the signature keeps out files that were made to fit. Files are a cache: damaged and forged ones are
    rebuilt from the database.

    Writers in several processes take turns. A generation is never changed after it was written.

    Parameters
    ----------
    key : secret with which manifests are signed; files signed with another are not used
    """

    def __init__(self, root: Path, *, key: bytes) -> None:
        self.root = root
        self._key = key

    def current(self) -> str:
        """Return the name of the live generation.

        Raises
        ------
        NoGeneration
            When nothing was written yet.
        GenerationDamaged
            When ``CURRENT`` is missing beside generations, or is not what was written.
        """
        return self._read_current()[0]

    def write(self, snapshot: Snapshot) -> str:
        """Write a complete new generation, make it the live one, and return its name.

        Where that fails, as on a full disk, what was half-written is removed.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._one_writer():
            name = f"gen-{max(self._numbers(), default=0) + 1}"
            try:
                self._write(name, snapshot)
            except BaseException:
                self._partial_remove()
                raise
        return name

    def load(self, *, fingerprint: str) -> Snapshot:
        """Check the live generation and read it.

        Parameters
        ----------
        fingerprint : of the encoder that will ask; vectors of two encoders must never meet

        Raises
        ------
        NoGeneration, GenerationDamaged, FingerprintMismatch
        """
        name, manifest, problems = self._checked()
        if problems:
            raise GenerationDamaged("; ".join(f"{name}/{problem}" for problem in problems))
        if manifest["fingerprint"] != fingerprint:
            raise FingerprintMismatch(found=manifest["fingerprint"], expected=fingerprint)
        try:
            return generation_read(self.root / name, manifest)
        except Exception as error:  # whatever NumPy raises where a file was replaced after the check
            raise GenerationDamaged(f"{name}: cannot be read: {error}") from error

    def verify(self) -> list[FileProblem]:
        """Return what is wrong with each file of the live generation; nothing when all is well.

        Raises
        ------
        NoGeneration
            When nothing was written yet.
        """
        try:
            return self._checked()[2]
        except GenerationDamaged as damage:
            file, _, reason = str(damage).partition(": ")
            return [FileProblem(file, reason)]

    def prune(self, keep: int = 2) -> list[str]:
        """Delete all but the live generation and the newest ``keep``, and what a crash left half-written.

        A process may be reading the generation before the live one: keep two.

        Returns
        -------
        The names of the generations deleted.
        """
        if not self.root.is_dir():
            return []
        with self._one_writer():
            names = [f"gen-{number}" for number in sorted(self._numbers())]
            outdated = [name for name in names[: max(len(names) - keep, 0)] if name != self.current()]
            for name in outdated:
                shutil.rmtree(self.root / name)
            self._partial_remove()
        return outdated

    def _write(self, name: str, snapshot: Snapshot) -> None:
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=self.root))
        manifest = generation_write(partial, name, snapshot)
        partial.chmod(0o755)
        folder_sync(partial)
        partial.rename(self.root / name)
        folder_sync(self.root)
        line = f"{name} {hashlib.sha256(manifest).hexdigest()} {manifest_sign(manifest, self._key)}\n"
        partial_current = self.root / f".partial-{CURRENT}"
        file_write(partial_current, lambda path: path.write_text(line, encoding="ascii"))
        partial_current.replace(self.root / CURRENT)
        folder_sync(self.root)

    def _partial_remove(self) -> None:
        for path in self.root.glob(".partial-*"):
            with suppress(OSError):  # a disk that cannot be written to keeps it
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _numbers(self) -> list[int]:
        names = (_GENERATION_NAME.fullmatch(path.name) for path in self.root.iterdir())
        return [int(name[1]) for name in names if name]

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let one process at a time write here; the system lets go when a process dies."""
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read_current(self) -> tuple[str, str, str]:
        if (self.root / CURRENT).exists() and not (self.root / CURRENT).is_file():
            raise GenerationDamaged(f"{CURRENT}: is not a file")
        try:
            line = (self.root / CURRENT).read_bytes().decode("ascii")
        except FileNotFoundError:
            if self.root.is_dir() and self._numbers():
                raise GenerationDamaged(f"{CURRENT}: missing, although there are generations") from None
            raise NoGeneration(f"no index files in {self.root.name}") from None
        except UnicodeDecodeError:
            line = ""
        # the strict form also keeps a damaged or forged name from leading out of the folder
        match = _CURRENT_LINE.fullmatch(line)
        if match is None:
            raise GenerationDamaged(f"{CURRENT}: does not name a generation and a digest")
        if not (self.root / match[1]).is_dir():
            raise GenerationDamaged(f"{CURRENT}: names {match[1]}, which is missing")
        return match[1], match[2], match[3] or ""

    def _checked(self) -> tuple[str, dict[str, Any], list[FileProblem]]:
        name, manifest_sha256, signature = self._read_current()
        return name, *generation_check(
            self.root / name, manifest_sha256=manifest_sha256, signature=signature, key=self._key
        )
