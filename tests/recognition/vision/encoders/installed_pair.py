"""Lays out what an installation of torch and torchvision looks like to whoever asks for versions."""

from __future__ import annotations

from pathlib import Path


def installed_lay(
    folder: Path, package: str, version: str, *, inside: str | None = None, needs: str = ""
) -> None:
    """Make a package appear installed; `inside` is the version its own `version.py` states."""
    metadata = folder / f"{package}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True, exist_ok=True)
    requirement = f"Requires-Dist: {needs}\n" if needs else ""
    metadata.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n{requirement}")
    if inside is not None:
        (folder / package).mkdir(exist_ok=True)
        (folder / package / "version.py").write_text(f"__version__ = '{inside}'\ncuda = None\n")
