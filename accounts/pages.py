"""The signup and login pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import login, views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.errors import UsernameTaken
from accounts.forms import NAME_TAKEN, LoginForm, SignupForm
from accounts.known_devices import DEVICE_COOKIE, device_remember
from accounts.models import User
from accounts.services import login_limit_check, user_signup
from ebrcs.rate_limits import TooManyRequests, client_address, rate_limit_check


def pause_page(request: HttpRequest, refusal: TooManyRequests) -> HttpResponse:
    """Return the page that asks the visitor to wait, and for how long."""
    page = render(request, "429.html", {"retry_after_s": refusal.retry_after_s}, status=429)
    page["Retry-After"] = str(refusal.retry_after_s)
    return page


class LoginPage(views.LoginView):
    """The login page; who is logged in already is sent on to the next page."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True
    extra_context = {"nav": "login"}

    def get_default_redirect_url(self) -> str:
        """Send members of staff to their console."""
        user = self.request.user
        if isinstance(user, User) and user.role == User.Role.STAFF:
            return reverse("staff-console")
        return super().get_default_redirect_url()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Count the attempt before checking the password."""
        try:
            login_limit_check(
                address=client_address(request),
                username=request.POST.get("username", ""),
                device=request.COOKIES.get(DEVICE_COOKIE, ""),
            )
        except TooManyRequests as refusal:
            return pause_page(request, refusal)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in, and know the device from now on."""
        answer = super().form_valid(form)
        device_remember(answer, form.get_user())
        return answer


def next_address(request: HttpRequest) -> str:
    """Return the page the visitor asked for, if it is on this site, or an empty text."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if own else ""


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """Create an account and log in with it."""
    target = next_address(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
    if request.user.is_authenticated:
        return HttpResponseRedirect(target)
    if request.method == "POST":
        try:
            rate_limit_check("signup", f"address:{client_address(request)}")
        except TooManyRequests as refusal:
            return pause_page(request, refusal)
    form = SignupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = user_signup(
                username=form.cleaned_data["username"], password=form.cleaned_data["password1"]
            )
        except UsernameTaken:  # between the check of the form and the insert
            form.add_error("username", NAME_TAKEN)
        else:
            login(request, user)
            answer = HttpResponseRedirect(target)
            device_remember(answer, user)
            return answer
    return render(request, "accounts/signup.html", {"form": form, "next": next_address(request)})
