"""How fast frames were answered."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class FrameCount(models.Model):
    """How many frames of one hour were answered within a step of the time scale, refused, or dropped.

    `step` is a step of `checkout.answer_times`; 0 for frames that were not answered.
    """

    class Outcome(models.TextChoices):
        ANSWERED = "answered", _("answered")
        REFUSED = "refused", _("rejected")
        DROPPED = "dropped", _("dropped")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hour = models.DateTimeField(_("hour"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    step = models.PositiveSmallIntegerField(_("time bucket"), default=0)
    frames = models.PositiveBigIntegerField(_("frames"), default=0)

    class Meta:
        db_table = "frame_counts"
        verbose_name = _("frame count")
        verbose_name_plural = _("frame counts")
        ordering = ["hour", "outcome", "step"]
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "outcome", "step"], name="checkout_framecount_one_per_step"
            ),
            models.CheckConstraint(
                condition=Q(outcome="answered") | Q(outcome__in=["refused", "dropped"], step=0),
                name="checkout_framecount_outcome_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}h {self.outcome} {self.step}: {self.frames}"
