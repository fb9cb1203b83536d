"""Gathers what the admin shows of the index: the database, the replica of this process, and the files."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from recognition.engine.shared import engine
from recognition.index.state import state_current


@dataclass(frozen=True)
class IndexReport:
    """Facts as pairs of name and value, and a sentence on whatever is wrong."""

    facts: list[tuple[str, str]]
    reasons: list[str]
    file_problem: str


def index_report() -> IndexReport:
    """Gather the facts; all files are read for their checksums."""
    from recognition.index.files import IndexFiles  # brings FAISS, which no other admin page needs

    truth, running = state_current(), engine().state()
    files = IndexFiles().status()
    facts = [
        (_("Encoder"), truth.encoder or _("none yet (set when the first product is added)")),
        (_("Encoder fingerprint"), truth.encoder_fingerprint[:16] or "–"),
        (_("Rows in the database"), f"{truth.row_count:,}"),
        (_("Sequence number in the database"), f"{truth.last_seq:,}"),
        (_("Epoch"), str(truth.epoch)),
        (_("Rows in this process"), f"{running.rows:,}"),
        (_("Active rows in this process"), f"{running.active_rows:,}"),
        (_("Sequence number in this process"), f"{running.applied_seq:,}"),
        (_("File generation"), str(files.generation)),
        (_("Rows in the files"), f"{files.rows:,}"),
        (_("Sequence number in the files"), f"{files.applied_seq:,}"),
    ]
    return IndexReport(facts, running.reasons + running.warnings, files.problem)
