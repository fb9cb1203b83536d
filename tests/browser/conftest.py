"""A shop of its own for the browser tests, served for real, and Chromium with or without a camera."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, ViewportSize, sync_playwright

from checkout.demo.clip import FRAMES_PER_SECOND, HOLD_FRAMES, MOVE_FRAMES, clip_frames, clip_plan
from tests.checkout.serving import port_free
from tests.conftest import PASSWORD
from tests.pictures import encoded

BASE_DIR: Path = settings.BASE_DIR
START_S = 90.0
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP shop.example 127.0.0.1",
]


@dataclass
class Shop:
    """The served site; it can be stopped and started under an open page."""

    folder: Path
    port: int
    host: str = "127.0.0.1"
    services: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    scripts: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        """Where browsers find it."""
        return f"http://{self.host}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Settings of its own: SQLite and no Redis unless named, rates beyond what tests reach."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EBRCS_")}
        kept.pop("DATABASE_URL", None)
        kept.pop("REDIS_URL", None)
        return kept | {
            "DJANGO_SETTINGS_MODULE": "ebrcs.settings",
            "EBRCS_DATA_DIR": str(self.folder),
            "EBRCS_ENCODER": "compact",
            "EBRCS_ALLOWED_HOSTS": "127.0.0.1,shop.example",
            "EBRCS_RATE_LOGIN": "1000/min",
            "EBRCS_RATE_SIGNUP": "1000/min",
            "OMP_NUM_THREADS": "1",
            **self.services,
        }

    def manage(self, *arguments: str) -> None:
        """Run a management command to its end."""
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            check=True,
            capture_output=True,
            timeout=240,
        )

    def run(self, script: str) -> str:
        """Run a script beside the server, and return what it printed."""
        if self.scripts is None:
            self.scripts = subprocess.Popen(
                [sys.executable, "-m", "tests.browser.scripts"],
                cwd=BASE_DIR,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        asked, answers = self.scripts.stdin, self.scripts.stdout
        assert asked is not None
        assert answers is not None
        asked.write(json.dumps(script) + "\n")
        asked.flush()
        printed, failure = json.loads(answers.readline())
        assert not failure, failure
        return str(printed)

    def start(self) -> None:
        """Serve, and wait until the server can recognize."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start the server, which takes a while."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "daphne",
                    "-b",
                    "127.0.0.1",
                    "-p",
                    str(self.port),
                    "ebrcs.asgi:application",
                ],
                cwd=BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def wait_ready(self) -> None:
        """Wait until the server can recognize."""
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            try:
                if status_of(self.port, "/readyz") == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        pytest.fail((self.folder / "server.log").read_text()[-3000:])

    def stop(self) -> None:
        """Kill the server as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)
            self.process = None

    def close(self) -> None:
        """End the server, and the process of the scripts."""
        self.stop()
        if self.scripts is not None:
            self.scripts.communicate(timeout=10)
            self.scripts = None


def status_of(port: int, path: str) -> int:
    """Ask the server on this machine for an address; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Serve the demo shop for the whole run."""
    served = Shop(folder=tmp_path_factory.mktemp("shop"), port=port_free())
    served.manage("migrate", "--verbosity=0")
    served.manage("shell", "--verbosity=0", "--command", "from tests.browser.stock import stock; stock()")
    served.start()
    yield served
    served.close()


@cache
def showing_frames() -> tuple[bytes, ...]:
    """Draw an empty counter, one pack that is shown for a moment, and the counter again."""
    return tuple(encoded(frame, quality=85) for frame in islice(clip_frames(), clip_plan()[0].end + 1))


def film_write(path: Path, *, held_s: float = HOLD_FRAMES / FRAMES_PER_SECOND) -> None:
    """Write what a fake camera sees: an empty counter, one pack held for a while, a long look at the counter.

    Chromium plays motion JPEG at 30 pictures a second; each of ten a second stands three times.
    """
    first, frames = clip_plan()[0], list(showing_frames())
    held = frames[first.start + MOVE_FRAMES : first.end - MOVE_FRAMES]
    for _ in range(round((held_s * FRAMES_PER_SECOND / HOLD_FRAMES - 1) / 2)):
        frames[first.end - MOVE_FRAMES : first.end - MOVE_FRAMES] = held[::-1] + held
    empty_counter = [frames[0]] * 600
    path.write_bytes(b"".join(picture * 3 for picture in [*frames, *empty_counter]))


@pytest.fixture(scope="session")
def camera_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a film of one pack that is shown for a moment."""
    path = tmp_path_factory.mktemp("camera") / "visit.mjpeg"
    film_write(path)
    return path


@pytest.fixture(scope="session")
def held_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a film of one pack that is held for more than twenty seconds."""
    path = tmp_path_factory.mktemp("camera") / "held.mjpeg"
    film_write(path, held_s=24)
    return path


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Run Playwright for one module: while it runs, Django refuses the database to this thread."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    """Start Chromium on a machine without a camera."""
    running = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
    yield running
    running.close()


def camera_launch(playwright: Playwright, chromium_path: str, film: Path) -> Browser:
    """Start Chromium with a camera that plays a film and that every page may use."""
    flags = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    return playwright.chromium.launch(executable_path=chromium_path, args=[*CHROMIUM_FLAGS, *flags])


@pytest.fixture(scope="module")
def camera_browser(playwright: Playwright, chromium_path: str, camera_film: Path) -> Iterator[Browser]:
    """Start Chromium with a camera before which a pack is shown."""
    running = camera_launch(playwright, chromium_path, camera_film)
    yield running
    running.close()


@pytest.fixture(scope="module")
def held_browser(playwright: Playwright, chromium_path: str, held_film: Path) -> Iterator[Browser]:
    """Start Chromium with a camera before which a pack is held for long."""
    running = camera_launch(playwright, chromium_path, held_film)
    yield running
    running.close()


@pytest.fixture(scope="module")
def guarded_browser(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    """Start Chromium with a camera that no page may use."""
    flags = ["--use-fake-device-for-media-stream"]
    running = playwright.chromium.launch(executable_path=chromium_path, args=[*CHROMIUM_FLAGS, *flags])
    yield running
    running.close()


@dataclass
class Visitor:
    """Someone with a browser window, and what went wrong in it."""

    context: BrowserContext
    shop: Shop
    faults: list[str] = field(default_factory=list)

    def page(self) -> Page:
        """Open a tab that reports every error of a script and every breach of the content policy."""
        tab = self.context.new_page()
        tab.set_default_timeout(30_000)
        tab.on("pageerror", lambda error: self.faults.append(str(error)))
        tab.on("console", lambda line: self.faults.append(line.text) if "Refused" in line.text else None)
        return tab

    def sign_up(self, page: Page, username: str, next_path: str = "/") -> None:
        """Make an account and be logged in."""
        page.goto(f"{self.shop.address}/signup/?next={next_path}")
        page.fill("#id_username", username)
        page.fill("#id_password1", PASSWORD)
        page.fill("#id_password2", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(lambda address: "/signup/" not in address)


VisitorMaker = Callable[..., Any]
PHONE: ViewportSize = {"width": 390, "height": 844}
KIOSK: ViewportSize = {"width": 1280, "height": 800}
BOTH = pytest.mark.parametrize(
    "window", [(PHONE, "en", "light"), (KIOSK, "ko", "dark")], ids=["phone", "kiosk"]
)


@pytest.fixture
def visit(shop: Shop) -> Generator[VisitorMaker]:
    """Return a maker of visitors; a test during whose visits any script failed has failed."""
    visitors: list[Visitor] = []

    @contextmanager
    def make(
        browser: Browser, *, size: ViewportSize = PHONE, language: str = "en", **options: Any
    ) -> Iterator[Visitor]:
        locale = {"en": "en-US", "ko": "ko-KR"}[language]
        context = browser.new_context(viewport=size, locale=locale, **options)
        visitor = Visitor(context=context, shop=shop)
        visitors.append(visitor)
        try:
            yield visitor
        finally:
            context.close()

    yield make
    assert [fault for visitor in visitors for fault in visitor.faults] == []


@pytest.fixture(scope="session")
def shot() -> Callable[[Page, str], None]:
    """Return a taker of screenshots, kept in the folder of EBRCS_ARTIFACTS."""
    folder = Path(os.environ.get("EBRCS_ARTIFACTS") or BASE_DIR / "artifacts")
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return take
