"""The forms of the admin, with many pictures in one field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from catalog.models import Product


class PicturesInput(forms.ClearableFileInput):
    """A file input that takes several pictures."""

    allow_multiple_selected = True

    def __init__(self) -> None:
        super().__init__(attrs={"accept": "image/jpeg,image/png,image/webp"})


class PicturesField(forms.FileField):
    """A list of uploaded files; the services judge their content, and names do not count."""

    widget = PicturesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        """Return the files in the order in which they were chosen."""
        files: Sequence[Any] = data if isinstance(data, list | tuple) else [data] if data else []
        if not files and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        if len(files) > settings.IMAGE_MAX_COUNT:
            text = _("You selected %(count)d photos. Please upload at most %(limit)d at a time.")
            params = {"count": len(files), "limit": settings.IMAGE_MAX_COUNT}
            raise forms.ValidationError(text, code="too_many", params=params)
        return [super(PicturesField, self).clean(file, initial) for file in files]


class ProductForm(forms.ModelForm[Product]):
    """A product with a field for new photos."""

    photos = PicturesField(
        label=_("Add photos"),
        required=False,
        help_text=_(
            "Three to five sharp photos of different sides, with the product filling the frame. JPEG, PNG "
            "or WebP; you can select several at once. Checkouts recognize it seconds after you save."
        ),
    )
    refusal: ClassVar[str] = ""

    class Meta:
        model = Product
        fields = ("name", "description", "price", "barcode", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            # Two people may edit one product: the form sends along what it was shown, so that a field left
            # alone does not undo what the other has saved since.
            for name in self._meta.fields or ():
                self.fields[name].show_hidden_initial = True

    def clean_barcode(self) -> str | None:
        """Store an empty barcode as none, so that many products can go without."""
        return self.cleaned_data["barcode"] or None

    def clean(self) -> dict[str, Any]:
        """Show what the services refused, and require photos of a new product."""
        cleaned = super().clean() or self.cleaned_data
        if self.refusal:
            raise forms.ValidationError(self.refusal)
        if self.instance._state.adding and not cleaned.get("photos") and "photos" not in self.errors:
            self.add_error("photos", _("Add at least one photo: products are recognized by their photos."))
        return cleaned


class PictureForm(forms.Form):
    """Pictures to try."""

    pictures = PicturesField(label=_("Photos"))
