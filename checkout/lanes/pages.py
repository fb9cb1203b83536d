"""The page on which a device becomes a lane."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.devices import LANE_PATH
from accounts.pages import pause_page
from checkout.errors import PairingRefused
from checkout.lanes.access import paired_answer
from checkout.lanes.pairing import CODE_ALPHABET, lane_pair
from checkout.lanes.selectors import lane_of
from ebrcs.rate_limits import TooManyRequests, client_address

REFUSED = _("This code doesn't work. It may be mistyped, used, or more than 10 minutes old.")


class PairingForm(forms.Form):
    """A code, however it is typed."""

    code = forms.CharField(
        label=_("Pairing code"),
        max_length=64,
        error_messages={"required": _("Enter the code.")},
        widget=forms.TextInput(
            attrs={
                "class": "input pair-code",
                "autocapitalize": "characters",
                "autocomplete": "off",
                "autocorrect": "off",
                "spellcheck": "false",
                "enterkeyhint": "go",
                "placeholder": "XXXX-XXXX",
            }
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pair_page(request: HttpRequest) -> HttpResponse:
    """Pair this device by a code that is typed, or comes with the address of a QR code.

    A visit of the address alone pairs nothing: links are followed by previews, too.
    """
    status = 200
    if request.method == "POST":
        form = PairingForm(request.POST)
        if form.is_valid():
            try:
                lane, key = lane_pair(code=form.cleaned_data["code"], address=client_address(request))
            except TooManyRequests as refusal:
                return pause_page(request, refusal)
            except PairingRefused as refusal:
                form.add_error("code", REFUSED)
                status = refusal.status
            else:
                return paired_answer(request, HttpResponseRedirect(LANE_PATH), lane=lane, key=key)
    else:
        form = PairingForm(initial={"code": request.GET.get("code", "")[:64].replace("\x00", "")})
    context = {"nav": "login", "form": form, "own_lane": lane_of(request.user), "keys": CODE_ALPHABET}
    return render(request, "lane/pair.html", context, status=status)
