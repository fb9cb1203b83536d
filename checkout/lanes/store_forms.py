"""The form of a store in Django admin, with a row for each day of its opening hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminFileWidget
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from accounts.stores import ALL_DAY, DAYS
from catalog.logos import logo_read
from catalog.text import text_clean
from ebrcs.errors import EbrcsError

ADDRESS_MAX_CHARACTERS = 300
FOOTER_MAX_CHARACTERS = 500
OPEN_ALL_DAY, OPEN_HOURS, CLOSED = "all_day", "hours", "closed"
KINDS = [
    (OPEN_ALL_DAY, _("open all day")),
    (OPEN_HOURS, _("open from … to …")),
    (CLOSED, _("closed all day")),
]


class DayHoursWidget(forms.MultiWidget):
    """A choice and two times, which count where the choice is that of hours."""

    def __init__(self, day: Any) -> None:
        texts = (_("opening"), _("opens at"), _("closes at"))
        labels = [{"aria-label": format_lazy("{day}: {text}", day=day, text=text)} for text in texts]
        clock = [{**label, "type": "time"} for label in labels]
        super().__init__(
            [
                forms.Select(attrs=labels[0], choices=KINDS),
                forms.TimeInput(attrs=clock[1], format="%H:%M"),
                forms.TimeInput(attrs=clock[2], format="%H:%M"),
            ],
            attrs={"class": "day-hours"},
        )

    def decompress(self, value: str | None) -> list[str | None]:
        """Return the choice and the times of a day that is given as in `08:00-22:00`; None is one closed."""
        if value is None:
            return [CLOSED, None, None]
        times = value.split("-")
        return [OPEN_ALL_DAY, None, None] if times == ALL_DAY else [OPEN_HOURS, *times]


class DayHoursField(forms.MultiValueField):
    """The hours of one day as they are stored: opening and closing time, or None for closed."""

    def __init__(self, day: Any) -> None:
        formats = ["%H:%M", "%H:%M:%S"]
        super().__init__(
            fields=(
                forms.ChoiceField(choices=KINDS, required=False),
                forms.TimeField(input_formats=formats, required=False),
                forms.TimeField(input_formats=formats, required=False),
            ),
            label=day,
            widget=DayHoursWidget(day),
            required=False,
            require_all_fields=False,
        )

    def compress(self, data_list: Sequence[Any]) -> list[str] | None:
        """Refuse hours without both times, or of no length, which might mean all day or none of it."""
        kind, opens, closes = data_list or (CLOSED, None, None)
        if kind == OPEN_ALL_DAY:
            return ALL_DAY
        if kind != OPEN_HOURS:
            return None
        if not isinstance(opens, time) or not isinstance(closes, time):
            raise forms.ValidationError(_("Enter both times, or choose another opening."), code="times")
        if opens == closes:
            text = _("Opening and closing time are the same. For a whole day choose “open all day”.")
            raise forms.ValidationError(text, code="no_length")
        return [f"{opens:%H:%M}", f"{closes:%H:%M}"]


class LogoField(forms.FileField):
    """A picture, judged by its content and stored as this shop encodes it."""

    widget = AdminFileWidget(attrs={"accept": "image/jpeg,image/png,image/webp"})

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return a new logo as it will be stored, False where it is to be removed, or the old one."""
        found = super().clean(data, initial)
        if not isinstance(found, UploadedFile):
            return found
        if (found.size or 0) > settings.IMAGE_MAX_BYTES:
            text = _("This file has %(size)d bytes; up to %(limit)d are allowed.")
            params = {"size": found.size, "limit": settings.IMAGE_MAX_BYTES}
            raise forms.ValidationError(text, code="image_too_large", params=params)
        try:
            logo = logo_read(found.read(), filename=found.name or "")
        except EbrcsError as refusal:
            raise forms.ValidationError(refusal.detail, code=refusal.code) from refusal
        return ContentFile(logo.content, name=logo.name)


def time_zones() -> list[tuple[str, str]]:
    """Return the places whose time a store may keep."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [(name, name.replace("_", " ")) for name in ("UTC", *sorted(places))]


def lines_clean(text: str) -> str:
    """Return text of several lines, each of them clean."""
    return "\n".join(text_clean(line) for line in text.splitlines()).strip()


class StoreForm(forms.ModelForm[Store]):
    """A store; its opening hours are one field for each day."""

    address = forms.CharField(
        label=capfirst(_("address")),
        required=False,
        max_length=ADDRESS_MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    receipt_footer = forms.CharField(
        label=capfirst(_("receipt footer")),
        required=False,
        max_length=FOOTER_MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Stands below each receipt, such as how to return goods."),
    )
    time_zone = forms.ChoiceField(label=capfirst(_("time zone")), choices=time_zones)
    logo = LogoField(
        label=capfirst(_("logo")),
        required=False,
        help_text=_("JPEG, PNG or WebP. It stands at the top of pages and receipts, on white."),
    )
    hours_mon = DayHoursField(WEEKDAYS[0])
    hours_tue = DayHoursField(WEEKDAYS[1])
    hours_wed = DayHoursField(WEEKDAYS[2])
    hours_thu = DayHoursField(WEEKDAYS[3])
    hours_fri = DayHoursField(WEEKDAYS[4])
    hours_sat = DayHoursField(WEEKDAYS[5])
    hours_sun = DayHoursField(WEEKDAYS[6])

    class Meta:
        model = Store
        fields = (
            "name",
            "logo",
            "address",
            "phone",
            "business_number",
            "receipt_footer",
            "time_zone",
            "language",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hours = self.instance.opening_hours or dict.fromkeys(DAYS, ALL_DAY)
        for day in DAYS:
            # As one text: Django takes a list for what the widget has taken apart already.
            self.initial[f"hours_{day}"] = "-".join(hours[day]) if day in hours else None
        if self.instance._state.adding:
            self.initial.setdefault("time_zone", settings.TIME_ZONE)
            self.initial.setdefault("language", settings.LANGUAGE_CODE)
        zone, field = self.initial.get("time_zone"), self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        if zone and zone not in dict(time_zones()):  # from the settings, which know older names, too
            field.choices = [*time_zones(), (zone, zone)]

    def clean_name(self) -> str:
        """Return one clean line, which shows something."""
        name = text_clean(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(self.fields["name"].error_messages["required"], code="required")
        return name

    def clean_phone(self) -> str:
        """Return one clean line."""
        return text_clean(self.cleaned_data["phone"])

    def clean_business_number(self) -> str:
        """Return one clean line."""
        return text_clean(self.cleaned_data["business_number"])

    def clean_address(self) -> str:
        """Return clean lines."""
        return lines_clean(self.cleaned_data["address"])

    def clean_receipt_footer(self) -> str:
        """Return clean lines."""
        return lines_clean(self.cleaned_data["receipt_footer"])

    def clean(self) -> dict[str, Any]:
        """Put the days together; no day at all would stand for always open."""
        cleaned = super().clean() or self.cleaned_data
        names = [f"hours_{day}" for day in DAYS]
        if any(name in self.errors for name in names):
            return cleaned
        hours = {day: cleaned[f"hours_{day}"] for day in DAYS if cleaned[f"hours_{day}"] is not None}
        if not hours:
            text = _("Leave one day open. To close the store, close its lanes.")
            self.add_error("hours_mon", forms.ValidationError(text, code="never_open"))
        always = len(hours) == len(DAYS) and all(times == ALL_DAY for times in hours.values())
        self.instance.opening_hours = {} if always else hours
        return cleaned
