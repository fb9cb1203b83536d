"""The root of every error raised on purpose: a fact, a stable code, an HTTP status and data that helps."""

from __future__ import annotations

from typing import Any, ClassVar


class EbrcsError(Exception):
    """A refusal the caller can understand and act on.

    Attributes
    ----------
    code : stable machine-readable word
    status : HTTP status the API answers with
    title : short human title of the kind of problem
    detail : what was wrong this time and what is allowed
    data : extra JSON-serialisable members of the answer, e.g. ``items`` or ``limit``
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request cannot be carried out"

    def __init__(self, detail: str = "", **data: Any) -> None:
        self.detail = detail or self.title
        self.data = data
        super().__init__(self.detail)
