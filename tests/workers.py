"""How the tests are shared out when several processes run them (pytest-xdist)."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

# By the beginning of the path, the group that takes longest first. One process runs all browsers, and one all
# that measures time against a served shop: so they disturb each other least, and each server starts once.
GROUPS = {
    "tests/browser/": "browser",
    "tests/checkout/live/": "live",
    "tests/checkout/tools/test_replay": "live",
    "tests/ebrcs/server/": "live",
}
LONGEST_FIRST = [*dict.fromkeys(GROUPS.values())]
# Files that take minutes and whose tests share nothing: handed out test by test, right after the groups.
SPREAD = (
    "tests/recognition/vision/lane/test_harder_visits.py",
    "tests/recognition/vision/lane/test_slow_cameras.py",
)
# What takes more than four seconds of an idle core, with the groups above; `make quick` leaves it out.
SLOW = (
    *GROUPS,
    "tests/checkout/cart/test_deleted_products.py",
    "tests/checkout/cart/test_reasons.py",
    "tests/checkout/demo/",
    "tests/checkout/tools/",
    "tests/ebrcs/server/",
    "tests/ebrcs/test_api_schema.py",
    "tests/ebrcs/test_checks.py",
    "tests/ebrcs/test_database_pool.py",
    "tests/recognition/index/test_files.py",
    "tests/recognition/index/test_processes.py",
    "tests/recognition/tools/",
    "tests/recognition/training/",
    "tests/recognition/vision/encoders/dino_clip/test_full_size.py",
    "tests/recognition/vision/encoders/test_torchvision",
    "tests/recognition/vision/lane/",
    "tests/recognition/vision/store/test_generations.py",
)


def group_of(nodeid: str) -> str:
    """Return what a test stays together with: its group, or else its file, whose fixtures it may share."""
    path = nodeid.partition("::")[0]
    if path in SPREAD:
        return nodeid
    return next((group for start, group in GROUPS.items() if path.startswith(start)), path)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Mark what is slow, and begin with the longest groups, so that the processes end together."""
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    yield
    if hasattr(config, "workerinput"):
        items.sort(
            key=lambda item: (
                [group_of(item.nodeid) != group for group in LONGEST_FIRST],
                not item.nodeid.startswith(SPREAD),
            )
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Hand out whole groups: with pytest 9.2, `--dist loadgroup` of pytest-xdist 3.8 does not see any."""
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return GroupScheduling(config, log)
