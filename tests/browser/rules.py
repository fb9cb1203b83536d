"""What a machine can check of a page as it stands."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """Return what breaks a rule of accessibility, each with its first place."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{page.url}: {rule['id']} at {rule['nodes'][0]['target']}" for rule in found]


def is_wider(page: Page) -> bool:
    """Whether the page has to be scrolled sideways."""
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return bool(page.evaluate(width) > 0)
