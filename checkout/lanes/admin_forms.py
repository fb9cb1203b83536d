"""Forms on lanes in Django admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from checkout.lanes.services import SETTINGS, zone_checked
from checkout.models import Lane


class ZoneField(forms.CharField):
    """A scan area as four numbers; empty for the whole picture."""

    def to_python(self, value: Any) -> Any:
        """Return the four numbers, or None."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            sides = [float(side) for side in text.replace(",", " ").split()]
            return zone_checked(sides)
        except (ValueError, forms.ValidationError):
            raise forms.ValidationError(
                _("Four numbers from 0 to 1: x, y, width, height. Example: 0.1, 0.2, 0.8, 0.6"),
                code="zone",
            ) from None

    def prepare_value(self, value: Any) -> Any:
        """Show numbers with commas."""
        return ", ".join(f"{side:g}" for side in value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare as numbers."""
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


class LaneForm(forms.ModelForm[Lane]):
    """A lane and its settings."""

    zone = ZoneField(
        label=_("Scan area"),
        required=False,
        max_length=100,
        help_text=_(
            "x, y, width, height from 0 to 1; empty: the whole picture. You can also draw it at the lane."
        ),
    )

    class Meta:
        model = Lane
        fields = ("store", *SETTINGS)
