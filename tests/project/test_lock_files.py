"""What `make` installs: exact versions that the requirements allow, from any registry."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement

BASE_DIR: Path = settings.BASE_DIR
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
MACOS = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"}
LOCKS = [("requirements.txt", "requirements.lock"), ("requirements-dev.txt", "requirements-dev.lock")]
CPYTHON = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}


def requirements(name: str) -> Iterator[Requirement]:
    """Read a file of requirements, without their hashes, and the files it includes."""
    whole_lines = (BASE_DIR / name).read_text().replace("\\\n", "")
    for line in whole_lines.splitlines():
        stated = re.sub(r"(^|\s)(#|--hash=).*", "", line).strip()
        if stated.startswith("-r "):
            yield from requirements(stated.removeprefix("-r "))
        elif stated:
            yield Requirement(stated)


def locked(python: str, machine: dict[str, str], *names: str) -> dict[str, list[str]]:
    """Return the versions that lock files name for a Python on a machine, by package."""
    environment = machine | CPYTHON | {"python_version": python, "python_full_version": f"{python}.9"}
    versions: dict[str, list[str]] = {}
    for name in names:
        for each in requirements(name):
            if each.marker is None or each.marker.evaluate(environment):
                pins = [pin.version for pin in each.specifier if pin.operator == "=="]
                versions.setdefault(same_name(each.name), []).extend(pins)
    return versions


def same_name(name: str) -> str:
    """Return the one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_of_torch(name: str) -> bool:
    """Whether a package is PyTorch or comes with its CUDA builds only."""
    return same_name(name).startswith(("torch", "triton", "cuda-", "nvidia-"))


def install_options() -> list[str]:
    """Return the options with which `make` installs a lock file."""
    found = re.search(r"^HASHED := \$\(PIP\) (.+)$", (BASE_DIR / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    assert "--require-hashes" in found[1]
    return found[1].split()


@pytest.mark.parametrize("machine", [LINUX, MACOS], ids=["linux", "macos"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize(("stated", "lock"), LOCKS)
def test_every_requirement_is_locked_to_one_version_that_it_allows(
    stated: str, lock: str, python: str, machine: dict[str, str]
) -> None:
    versions = locked(python, machine, lock)
    torch = locked(python, machine, "torch.lock")

    assert {name: pins for name, pins in versions.items() if len(pins) != 1} == {}
    wanted = list(requirements(stated))
    assert len(wanted) > 25
    for requirement in wanted:
        name = same_name(requirement.name)
        [version] = (torch if is_of_torch(name) else versions)[name]
        assert requirement.specifier.contains(version), f"make lock: {requirement} does not allow {version}"


def test_the_checks_run_with_the_versions_of_a_running_shop() -> None:
    running, checked = (locked("3.11", LINUX, lock) for _, lock in LOCKS)
    torch = {
        name: pins for name, pins in locked("3.11", LINUX, "torch.lock").items() if not is_of_torch(name)
    }
    assert len(running) > 60
    assert running.items() <= checked.items()
    assert len(torch) > 8
    assert torch.items() <= running.items()


def test_a_running_shop_is_given_nothing_that_only_checks_need() -> None:
    assert not {"pytest", "mypy", "ruff", "schemathesis", "hypothesis"} & set(
        locked("3.11", LINUX, "requirements.lock")
    )


@pytest.mark.parametrize("lock", [lock for _, lock in LOCKS])
def test_all_pythons_get_the_same_versions(lock: str) -> None:
    assert locked("3.11", LINUX, lock) == locked("3.14", LINUX, lock)


def test_torch_is_locked_without_saying_which_build() -> None:
    [version] = locked("3.11", LINUX, "torch.lock")["torch"]
    assert "+" not in version
    assert "--hash" not in (BASE_DIR / "torch.lock").read_text()


@pytest.mark.parametrize("lock", [lock for _, lock in LOCKS])
def test_everything_but_torch_is_locked_with_its_hashes(lock: str) -> None:
    entries = (BASE_DIR / lock).read_text().replace("\\\n", "").splitlines()
    pins = [entry for entry in entries if not entry.startswith("#")]
    assert all(re.fullmatch(r"\S+==.*?(\s+--hash=sha256:[0-9a-f]{64})+", pin) for pin in pins)
    assert not [pin for pin in pins if is_of_torch(pin)]


@pytest.mark.slow
@pytest.mark.parametrize("is_tampered", [False, True], ids=["as published", "tampered with"])
def test_a_package_of_other_content_is_not_installed(tmp_path: Path, is_tampered: bool) -> None:
    wheel = tmp_path / "scale-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("scale.py", "")
        file.writestr("scale-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: scale\nVersion: 1.0\n")
        file.writestr("scale-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("scale-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"scale==1.0 --hash=sha256:{digest}\n")
    if is_tampered:
        with zipfile.ZipFile(wheel, "a") as file:
            file.writestr("more.py", "print('unexpected')")

    options = install_options()
    offline = ["--no-index", "--find-links", str(tmp_path), "--dry-run", "--ignore-installed"]
    run = subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, *options, str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode != 0) == is_tampered, run.stderr
    assert ("DO NOT MATCH THE HASHES" in run.stderr) == is_tampered


def test_the_image_is_installed_with_the_options_of_make() -> None:
    installs = re.findall(
        r"pip install (--require-hashes .+?) requirements.lock", (BASE_DIR / "Dockerfile").read_text()
    )
    assert [install.split() for install in installs] == [install_options()]


def test_no_lock_file_names_a_registry() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "torch.lock", "package-lock.json", ".npmrc"):
        assert not re.search(r"https?:|registry\.|index-url|find-links", (BASE_DIR / name).read_text()), name


def test_the_scripts_are_checked_by_exactly_one_version_of_typescript() -> None:
    wanted = json.loads((BASE_DIR / "package.json").read_text())["devDependencies"]
    packages = json.loads((BASE_DIR / "package-lock.json").read_text())["packages"]

    assert wanted == {"typescript": packages["node_modules/typescript"]["version"]}
    assert set(packages) == {"", "node_modules/typescript"}
    assert packages["node_modules/typescript"]["integrity"].startswith("sha512-")
