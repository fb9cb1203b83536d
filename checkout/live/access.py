"""Decides who may open the socket of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.translation import get_language_from_request
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from accounts.browsers import browser_of_key
from accounts.logins import Login, login_holds, login_of, session_user
from accounts.models import User
from checkout.cart import selectors, services
from checkout.cart.reasons import ENGLISH
from checkout.live import tickets
from checkout.models import CheckoutSession
from recognition.models import IndexState

BAD_ADDRESS = 4400
NOT_AUTHENTICATED = 4401
FORBIDDEN = 4403
NOT_FOUND = 4404
NOT_ACTIVE = 4409
REPLACED = 4410
FLOODING = 4429
FAILED = 4500
DEFAULT_PORTS = {"http": 80, "https": 443}


class SocketRefused(Exception):
    """The socket is not opened: `code` is the close code, `session` the ended session that was asked for."""

    def __init__(self, code: int, reason: str, session: CheckoutSession | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.session = session


@dataclass(frozen=True)
class Handshake:
    """The headers and the query with which a client opens the socket."""

    headers: dict[str, list[str]]
    query: dict[str, list[str]]

    @classmethod
    def of(cls, scope: Any) -> Handshake:
        """Read the headers and the query of an ASGI scope."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        return cls(headers, parse_qs(scope["query_string"].decode("latin-1")))

    def header(self, name: str) -> str:
        """Return a header that occurs once; empty if it is missing or repeated."""
        values = self.headers.get(name, [])
        return values[0] if len(values) == 1 else ""

    @property
    def is_from_page(self) -> bool:
        """Whether a page asks: browsers send an Origin header, other programs need not."""
        return "origin" in self.headers


@dataclass(frozen=True)
class Admission:
    """What is known about an accepted socket.

    Attributes
    ----------
    user_id : of the account it is admitted for
    login : what it was logged in by
    index_seq : sequence number of the index at this time; the client is never served an older one
    camera_key : the key by which the client names its camera; None without one
    language : of the reasons sent to it
    browser : the browser that the client is; None for other programs
    """

    session_id: UUID
    user_id: UUID
    login: Login
    index_seq: int
    camera_key: UUID | None
    language: str
    browser: str | None = None


def admission_read(scope: Any) -> Admission:
    """Admit a client, or raise `SocketRefused`."""
    session, login = socket_enter(scope)
    seq = IndexState.objects.values_list("last_seq", flat=True).first()
    return Admission(
        session_id=session.pk,
        user_id=session.user_id,
        login=login,
        index_seq=seq or 0,
        camera_key=camera_key(scope),
        language=language(scope),
        browser=browser_of_login(login),
    )


def socket_enter(scope: Any) -> tuple[CheckoutSession, Login]:
    """Return the active session and the login of a client that may work on it, or raise `SocketRefused`."""
    handshake = handshake_of_own_page(scope)
    try:
        session_id = UUID(scope["url_route"]["kwargs"]["session_id"])
    except ValueError:
        raise SocketRefused(NOT_FOUND, "There is no such session.") from None
    login = _login(handshake, session_id)
    session = CheckoutSession.objects.filter(pk=session_id).select_related("user").first()
    if session is None:
        raise SocketRefused(NOT_FOUND, "There is no such session.")
    if session.user_id != login.account_id:
        raise SocketRefused(FORBIDDEN, "This is someone else's session.")
    if session.user.is_device and not selectors.sessions_shown(session.user).filter(pk=session_id).exists():
        raise SocketRefused(NOT_FOUND, "There is no such session.")
    if has_moved(session.browser, browser_of_login(login)):
        raise SocketRefused(REPLACED, "The session goes on on another device.", session)
    session = services.session_current(session=session)
    if session.status != CheckoutSession.Status.ACTIVE:
        raise SocketRefused(NOT_ACTIVE, f"The session is {session.status}.", session)
    services.session_touch(session_id=session_id)
    return session, login


def browser_of_login(login: Login) -> str | None:
    """Return the browser that a client is; None for another program, which no visit is bound to."""
    return browser_of_key(login.session_key) if login.session_key else None


def has_moved(session_browser: str, browser: str | None) -> bool:
    """Whether a session goes on in another browser than the one that asks."""
    return bool(session_browser) and browser is not None and session_browser != browser


def login_enter(scope: Any) -> Login:
    """Return the login of a client that opens a socket of no session, or raise `SocketRefused`."""
    return _login(handshake_of_own_page(scope), None)


def handshake_of_own_page(scope: Any) -> Handshake:
    """Return the handshake of a client, or raise `SocketRefused` for a page of another site.

    Browsers report the page's origin truthfully; pages of other sites are refused, whatever credentials they
    present.
    """
    handshake = Handshake.of(scope)
    if handshake.is_from_page and not origin_is_own(handshake.header("origin"), handshake.header("host")):
        raise SocketRefused(FORBIDDEN, "Sockets are opened by the shop's own pages only.")
    return handshake


def camera_key(scope: Any) -> UUID | None:
    """Return the key by which a client names its camera (`?seat=`), to get it back after a reconnect."""
    named = Handshake.of(scope).query.get("seat")
    if not named:
        return None
    try:
        return UUID(named[0])
    except ValueError:
        raise SocketRefused(BAD_ADDRESS, "seat must be a UUID.") from None


def language(scope: Any) -> str:
    """Return the language of the requesting page; other programs get English."""
    handshake = Handshake.of(scope)
    if not handshake.is_from_page:
        return ENGLISH
    request = HttpRequest()
    request.COOKIES = parse_cookie(handshake.header("cookie"))
    request.META["HTTP_ACCEPT_LANGUAGE"] = handshake.header("accept-language")
    return get_language_from_request(request)


def _login(handshake: Handshake, session_id: UUID | None) -> Login:
    """Authenticate by ticket, token or cookie: the first of these that is present decides.

    Tickets are issued for the socket of a session.
    """
    if session_id is not None and (offered := handshake.query.get("ticket")):
        login = tickets.ticket_redeem(ticket=offered[0], session_id=session_id)
        if login is None or not login_holds(login):
            raise SocketRefused(NOT_AUTHENTICATED, "The ticket is used, too old or for another session.")
        return login
    if authorization := handshake.header("authorization"):
        return _token_login(authorization)
    key = parse_cookie(handshake.header("cookie")).get(settings.SESSION_COOKIE_NAME)
    if not key:
        raise SocketRefused(NOT_AUTHENTICATED, "Log in first.")
    # Browsers attach the cookie to requests from pages of any site, so the origin has to be known.
    if not handshake.is_from_page:
        raise SocketRefused(FORBIDDEN, "Cookies are accepted from the shop's own pages only.")
    user = session_user(key)
    if user is None:
        raise SocketRefused(NOT_AUTHENTICATED, "Log in first.")
    return login_of(user, session_key=key)


def _token_login(authorization: str) -> Login:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise SocketRefused(NOT_AUTHENTICATED, "The Authorization header must hold a Bearer token.")
    backend = JWTAuthentication()
    try:
        validated = backend.get_validated_token(token.strip().encode("latin-1"))
        login = login_of(cast("User", backend.get_user(validated)), token=validated)
    except (APIException, TokenError):
        raise SocketRefused(NOT_AUTHENTICATED, "The token is not valid.") from None
    if not login_holds(login):
        raise SocketRefused(NOT_AUTHENTICATED, "The token is not valid.")
    return login


def origin_is_own(origin: str, host: str) -> bool:
    """Whether a page is one of the shop's own: from the requested host itself, or from a listed origin."""
    if origin in settings.ALLOWED_ORIGINS:
        return True
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    try:
        page, asked = urlsplit(origin), urlsplit(f"//{host}")
        page_port, asked_port = page.port or DEFAULT_PORTS.get(page.scheme), asked.port
    except ValueError:
        return False
    if page.scheme not in DEFAULT_PORTS or (settings.BEHIND_HTTPS and page.scheme != "https"):
        return False
    # A host without a port was reached on the default port of the page's scheme.
    asked_port = asked_port or DEFAULT_PORTS[page.scheme]
    return bool(page.hostname) and (page.hostname, page_port) == (asked.hostname, asked_port)
