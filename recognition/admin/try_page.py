"""The page of Django admin on which staff try pictures."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from catalog.models import Product
from ebrcs.errors import EbrcsError
from recognition.admin.forms import PictureForm
from recognition.services.recognizing import TOP_MATCHES, PictureAnswer, pictures_recognize


def try_page(request: HttpRequest, *, model_admin: admin.ModelAdmin[Product]) -> HttpResponse:
    """Show what uploaded pictures are recognized as; nothing is stored."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    form = PictureForm(request.POST or None, request.FILES or None)
    answers: list[PictureAnswer] = []
    if request.method == "POST" and form.is_valid():
        pictures = [(file.name or "", file.read()) for file in form.cleaned_data["pictures"]]
        try:
            answers = pictures_recognize(pictures, top=TOP_MATCHES)
        except EbrcsError as error:
            form.add_error("pictures", error.detail)
    products = Product.objects.prefetch_related("images").in_bulk(
        {match.product_id for answer in answers for match in answer.matches}
    )
    photos = {str(key): product.first_photo for key, product in products.items()}
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Test a photo"),
        "opts": model_admin.opts,
        "form": form,
        "answers": [
            (answer, [(match, photos.get(match.product_id)) for match in answer.matches])
            for answer in answers
        ],
    }
    return TemplateResponse(request, "admin/recognition/try_photo.html", context)
