"""The embeddings that a long run has computed so far, so that the next run resumes where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac

from recognition.models import VECTOR_BYTES
from recognition.vision.types import FloatArray

ID_BYTES = 16
CHECK_BYTES = 32
RECORD_BYTES = ID_BYTES + VECTOR_BYTES + CHECK_BYTES


def signature(body: bytes) -> bytes:
    """Sign the body of a record: its vector goes into the database, so nobody else may have written it."""
    return salted_hmac("recognition.index.embedding_file", body, algorithm="sha256").digest()


class EmbeddingFile:
    """A file of records, each a photo's id, its vector and a signature, only ever appended to.

    Reading ends at a record torn by a crash or not signed with the secret key, which is then overwritten: at
    worst photos are embedded twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset_of: dict[UUID, int] = {}
        self._end = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("rb") as file:
            while len(record := file.read(RECORD_BYTES)) == RECORD_BYTES:
                body, check = record[:-CHECK_BYTES], record[-CHECK_BYTES:]
                if not constant_time_compare(signature(body), check):
                    break
                self._offset_of[UUID(bytes=body[:ID_BYTES])] = self._end
                self._end += RECORD_BYTES

    def __contains__(self, image_id: UUID) -> bool:
        return image_id in self._offset_of

    def __getitem__(self, image_id: UUID) -> bytes:
        """Return the vector of a photo: 1280 little-endian float32."""
        with self.path.open("rb") as file:
            file.seek(self._offset_of[image_id] + ID_BYTES)
            return file.read(VECTOR_BYTES)

    def append(self, image_ids: Sequence[UUID], vectors: FloatArray) -> None:
        """Add the vectors of photos, float32 (n, 1280)."""
        with self.path.open("r+b") as file:
            file.seek(self._end)
            for image_id, vector in zip(image_ids, vectors.astype("<f4", copy=False), strict=True):
                body = image_id.bytes + vector.tobytes()
                file.write(body + signature(body))
                self._offset_of[image_id] = self._end
                self._end += RECORD_BYTES
            file.truncate()

    def remove(self) -> None:
        """Delete the file; the vectors are in the database now."""
        self.path.unlink(missing_ok=True)
