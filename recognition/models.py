"""The index as the database keeps it: every embedding, and the log of additions and withdrawals."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from recognition.vision.encoders.layout import EMBEDDING_DIM

VECTOR_BYTES = 4 * EMBEDDING_DIM


class IndexState(models.Model):
    """One row that says which vectors the shop uses and how far the log and the rows have come.

    `epoch` grows when all rows are renumbered or embedded again; replicas of an older epoch reload.
    Only the holder of the writer lock changes this row.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.PositiveIntegerField(default=1)
    encoder = models.CharField(max_length=50, blank=True)
    encoder_fingerprint = models.CharField(max_length=64, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "index_state"
        verbose_name = verbose_name_plural = _("index")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="recognition_indexstate_single_row")]

    def __str__(self) -> str:
        return f"epoch {self.epoch}, {self.row_count} rows, seq {self.last_seq}"


class Embedding(models.Model):
    """One photo as 1280 numbers; `id` is its row in the index, dense from 0 in commit order."""

    id = models.PositiveIntegerField(primary_key=True)
    product_image = models.OneToOneField(
        "catalog.ProductImage",
        verbose_name=_("photo"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="embedding",
    )
    vector = models.BinaryField(_("vector"))
    label = models.CharField(_("product"), max_length=200)
    encoder_fingerprint = models.CharField(_("encoder fingerprint"), max_length=64)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        db_table = "embeddings"
        verbose_name = _("embedding")
        verbose_name_plural = _("embeddings")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(Exact(Length("vector"), Value(VECTOR_BYTES))),
                name="recognition_embedding_vector_length",
            ),
            models.CheckConstraint(
                condition=~Q(encoder_fingerprint=""), name="recognition_embedding_fingerprint_not_blank"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}: {self.label}"


class PhotoCheck(models.Model):
    """What a stored photo was judged to be by itself; derived from its file.

    Kept so that a list of products need not read pictures. `version` is that of the judging code; rows of
    another version are replaced.
    """

    product_image = models.OneToOneField(
        "catalog.ProductImage", on_delete=models.CASCADE, primary_key=True, related_name="photo_check"
    )
    faults = models.CharField(max_length=100, blank=True)
    picture_hash = models.BigIntegerField()
    version = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "photo_checks"
        verbose_name = _("photo check")
        verbose_name_plural = _("photo checks")

    def __str__(self) -> str:
        return f"{self.product_image_id}: {self.faults or 'good'}"


class IndexEvent(models.Model):
    """A change of the index; `seq` is dense in commit order, and replicas apply events in that order."""

    class Kind(models.TextChoices):
        ADD = "add", _("added")
        WITHDRAW = "withdraw", _("withdrawn")
        RESTORE = "restore", _("restored")

    seq = models.PositiveBigIntegerField(_("sequence number"), primary_key=True)
    kind = models.CharField(_("action"), max_length=10, choices=Kind)
    embedding = models.ForeignKey(
        Embedding, verbose_name=_("embedding"), on_delete=models.PROTECT, related_name="events"
    )
    created_at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        db_table = "index_events"
        verbose_name = _("index event")
        verbose_name_plural = _("index events")
        ordering = ["seq"]
        constraints = [
            models.CheckConstraint(condition=Q(seq__gte=1), name="recognition_indexevent_seq_positive"),
            models.CheckConstraint(
                condition=Q(kind__in=["add", "withdraw", "restore"]), name="recognition_indexevent_kind_known"
            ),
            models.UniqueConstraint(
                fields=["embedding"], condition=Q(kind="add"), name="recognition_indexevent_added_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.embedding_id}"
