"""What `make` installs: exact versions that the requirements allow, from any registry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement

BASE_DIR: Path = settings.BASE_DIR
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
MACOS = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"}
CPYTHON = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}


def requirements(name: str) -> Iterator[Requirement]:
    """Read a file of requirements and the files it includes."""
    for line in (BASE_DIR / name).read_text().splitlines():
        stated = re.sub(r"(^|\s)#.*", "", line).strip()
        if stated.startswith("-r "):
            yield from requirements(stated.removeprefix("-r "))
        elif stated:
            yield Requirement(stated)


def locked(python: str, machine: dict[str, str]) -> dict[str, list[str]]:
    """Return the versions that the lock file names for a Python on a machine, by package."""
    environment = machine | CPYTHON | {"python_version": python, "python_full_version": f"{python}.9"}
    versions: dict[str, list[str]] = {}
    for each in requirements("requirements.lock"):
        if each.marker is None or each.marker.evaluate(environment):
            pins = [pin.version for pin in each.specifier if pin.operator == "=="]
            versions.setdefault(same_name(each.name), []).extend(pins)
    return versions


def same_name(name: str) -> str:
    """Return the one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("machine", [LINUX, MACOS], ids=["linux", "macos"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_every_requirement_is_locked_to_one_version_that_it_allows(
    python: str, machine: dict[str, str]
) -> None:
    versions = locked(python, machine)

    assert {name: pins for name, pins in versions.items() if len(pins) != 1} == {}
    wanted = list(requirements("requirements-dev.txt"))
    assert len(wanted) > 40
    for requirement in wanted:
        [version] = versions[same_name(requirement.name)]
        assert requirement.specifier.contains(version), f"make lock: {requirement} does not allow {version}"


def test_all_pythons_get_the_same_versions() -> None:
    oldest, newest = locked("3.11", LINUX), locked("3.14", LINUX)
    assert oldest == newest


def test_torch_is_locked_without_saying_which_build() -> None:
    [version] = locked("3.11", LINUX)["torch"]
    assert "+" not in version


def test_no_lock_file_names_a_registry() -> None:
    for name in ("requirements.lock", "package-lock.json", ".npmrc"):
        assert not re.search(r"https?:|registry\.|index-url|find-links", (BASE_DIR / name).read_text()), name


def test_the_scripts_are_checked_by_exactly_one_version_of_typescript() -> None:
    wanted = json.loads((BASE_DIR / "package.json").read_text())["devDependencies"]
    packages = json.loads((BASE_DIR / "package-lock.json").read_text())["packages"]

    assert wanted == {"typescript": packages["node_modules/typescript"]["version"]}
    assert set(packages) == {"", "node_modules/typescript"}
    assert packages["node_modules/typescript"]["integrity"].startswith("sha512-")
