"""The cast and the services every test may ask for; what cannot run here is skipped by name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management.base import CommandError
from django.db import OperationalError
from django.test import TransactionTestCase
from django.utils import translation

from accounts.models import User
from accounts.page_store import page_store_forget
from ebrcs import rate_limits
from tests.workers import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]  # the hooks are found here

SERVICES_REQUIRED = os.environ.get("EBRCS_REQUIRE_SERVICES") == "1"
CHROMIUM_PATHS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
PASSWORD = "Correct-Horse-7"


def service_missing(item: pytest.Item) -> str | None:
    """Return why a test cannot run here, or None."""
    if item.get_closest_marker("postgres") and "postgresql" not in settings.DATABASES["default"]["ENGINE"]:
        return "needs PostgreSQL: set DATABASE_URL"
    if item.get_closest_marker("redis") and not settings.REDIS_URL:
        return "needs Redis: set REDIS_URL"
    if item.get_closest_marker("browser") and not any(Path(path).exists() for path in CHROMIUM_PATHS):
        return "needs Chromium"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose service is missing."""
    if reason := service_missing(item):
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn every skip into a failure where services are required."""
    report = yield
    if SERVICES_REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although EBRCS_REQUIRE_SERVICES=1: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    """Start every test with untouched rate limits, no store read, and not in the language before it."""
    cache.clear()
    page_store_forget()
    translation.deactivate()


@pytest.fixture
def one_rate_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock of the rate limits, so that no window ends, and counts anew, in the middle of a test."""
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: 60_000_000.0))


@pytest.fixture(scope="session", autouse=True)
def _patient_clearing() -> Iterator[None]:
    """Empty the tables again when PostgreSQL refuses once: a server or thread may be at its last query."""
    clear = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def clear_patiently(case: TransactionTestCase) -> None:
        for _ in range(4):
            try:
                return clear(case)
            except (CommandError, OperationalError):
                time.sleep(0.5)
        return clear(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", clear_patiently)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real photos and recorded visits."""
    folder = Path(os.environ.get("EBRCS_SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("needs the shared photos: set EBRCS_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the browser's path."""
    return next(path for path in CHROMIUM_PATHS if Path(path).exists())


@pytest.fixture
def one_torch_thread() -> Iterator[None]:
    """Let torch sum in a fixed order and never wait for another core of a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def user_make(db: None) -> Callable[..., User]:
    """Return a maker of users whose password is `PASSWORD`."""

    def make(username: str, role: str = User.Role.USER) -> User:
        return User.objects.create_user(username, PASSWORD, role=role)

    return make


@pytest.fixture
def shopper(user_make: Callable[..., User]) -> User:
    """Return the one whose session it is."""
    return user_make("shopper")


@pytest.fixture
def stranger(user_make: Callable[..., User]) -> User:
    """Return another shopper, who may see nothing of the first one's."""
    return user_make("stranger")


@pytest.fixture
def keeper(user_make: Callable[..., User]) -> User:
    """Return the shop keeper."""
    return user_make("keeper", role=User.Role.ADMIN)
