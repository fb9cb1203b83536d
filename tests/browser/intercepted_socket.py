"""The page's connection, intercepted: a test answers for the server and reads what the page sends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, WebSocketRoute

from tests.browser.conftest import Visitor
from tests.browser.steps import camera_on, connected

ENTERED = {"frame": 9, "code": "entered_zone", "params": {}, "text": "frame 9: moved into the zone"}
CHOICES = [
    {"product_id": "11111111-1111-4111-8111-111111111111", "name": "Oat milk", "image": None},
    {"product_id": "22222222-2222-4222-8222-222222222222", "name": "Oat cream", "image": None},
]


@dataclass
class InterceptedSocket:
    """Withholds frames from the server and sends made-up answers.

    Commands are passed on, but for the kinds named in `kept`.
    """

    kept: tuple[str, ...] = ("choose",)
    route: WebSocketRoute | None = None
    addresses: list[str] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    frame: int = 0

    def open(self, visitor: Visitor, username: str, *, has_camera: bool = True) -> Page:
        """Sign someone up, open the checkout page, and intercept its connections."""
        page = visitor.page()
        page.route_web_socket("**/api/ws/**", self.listen)
        visitor.sign_up(page, username, "/checkout/")
        connected(page)
        if has_camera:
            camera_on(page)
        return page

    def listen(self, route: WebSocketRoute) -> None:
        """Take a connection."""
        server = route.connect_to_server()
        self.route = route
        self.addresses.append(route.url)

        def passed_on(message: str | bytes) -> None:
            if isinstance(message, bytes):
                return
            command = json.loads(message)
            if command["type"] != "ping":
                self.commands.append(command)
            if command["type"] not in self.kept:
                server.send(message)

        route.on_message(passed_on)

    def say(self, message: dict[str, Any]) -> None:
        """Send a message as the server would."""
        assert self.route is not None
        self.route.send(json.dumps(message))

    def see(self, state: str, **more: object) -> None:
        """Answer the next frame: item 7 is in view."""
        self.frame += 1
        detection = {
            "track": 7,
            "box": [0.3, 0.2, 0.4, 0.5],
            "state": state,
            "product_id": None,
            "name": None,
            "score": 0.8,
            "margin": 0.0,
            "choices": CHOICES,
        }
        result = {"type": "frame.result", "frame": self.frame, "dropped": 0, "timing_ms": {"total": 21.5}}
        debug = {"zone": [0, 0, 1, 1], "proposals": [[0.28, 0.18, 0.45, 0.55]], "changed": True}
        answer = result | {"detections": [detection | more]}
        self.say(answer | {"debug": debug} if "why" in more else answer)

    def see_unknown(self, page: Page) -> None:
        """Answer frames until an unknown item counts as one."""
        for _ in range(8):
            self.see("unknown")
            page.wait_for_timeout(120)

    def answers(self, kind: str) -> list[dict[str, Any]]:
        """Return the commands of one kind that the page sent."""
        return [command for command in self.commands if command["type"] == kind]
