"""Whether torch and torchvision fit each other, without importing either.

Decision: a pair that does not fit is named, not worked around. Only DINOv3 and CLIP need torchvision: their
libraries take the preprocessing from it. Beside a torch of another build its compiled operators do not load
and its import fails. Declaring those operators by hand makes the import pass, but leaves a shop on a pair
that its makers never tested. So the system check ``ebrcs.W004`` warns, an encoder that needs torchvision
refuses with the remedy, and ``compact`` goes on without torchvision. The usual cause is the CPU build of
torch beside PyPI's torchvision, which is built for CUDA.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from recognition.vision.encoders.errors import TorchvisionUnusable

VERSION = re.compile(r"^__version__\s*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)
TORCH_WANTED = re.compile(r"torch\s*\(?\s*==\s*([\w.!+]+)")
REQUIREMENTS = "pip install --requirement requirements.txt"


@dataclass(frozen=True)
class Misfit:
    """Why torchvision cannot be used beside this torch, and the command that mends it."""

    fact: str
    remedy: str


def torchvision_misfit() -> Misfit | None:
    """Compare the installed versions and build tags; None where they fit, or where that cannot be told.

    The versions fit where torch is the one that torchvision requires, the builds where both carry the same
    tag (``cpu``, ``cu130``) or one of them carries none, as on systems with one build only.
    """
    torch, torchvision = installed_version("torch"), installed_version("torchvision")
    if not torch:
        return None
    if not torchvision:
        return Misfit("torchvision is not installed", REQUIREMENTS)
    release, _, tag = torch.partition("+")
    own_release, _, own_tag = torchvision.partition("+")
    wanted = _torch_wanted()
    if wanted and wanted.partition("+")[0] != release:
        return Misfit(f"torchvision {torchvision} needs torch {wanted}, not {torch}", REQUIREMENTS)
    if tag and own_tag and tag != own_tag:
        build = f"torchvision=={own_release}+{tag} --index-url https://download.pytorch.org/whl/{tag}"
        return Misfit(
            f"torch {torch} and torchvision {torchvision} are different builds", f"pip install {build}"
        )
    return None


def torchvision_require(encoder: str) -> None:
    """Import torchvision for an encoder that needs it.

    Raises
    ------
    TorchvisionUnusable
        When the import fails, with the versions and the command that mends it where they are the reason.
    """
    try:
        import_module("torchvision")
    except (ImportError, RuntimeError, OSError) as error:
        reason = f"torchvision cannot be imported: {(str(error) or type(error).__name__).splitlines()[0]}"
        misfit = torchvision_misfit() or Misfit(reason, REQUIREMENTS)
        raise TorchvisionUnusable(name=encoder, fact=misfit.fact, remedy=misfit.remedy) from error


def installed_version(package: str) -> str:
    """Return a package's version with its build tag, such as ``2.13.0+cpu``; empty where it is not installed.

    Wheels of the registry are named without the tag; ``version.py`` has it, and is read without running it.
    """
    try:
        found = distribution(package)
    except PackageNotFoundError:
        return ""
    try:
        text = Path(str(found.locate_file(f"{package}/version.py"))).read_text(encoding="utf-8")
    except OSError:
        return found.version
    written = VERSION.search(text)
    return written[1] if written else found.version


def _torch_wanted() -> str:
    """Return the version of torch that torchvision pins; empty where it pins none."""
    matches = (TORCH_WANTED.match(requirement) for requirement in distribution("torchvision").requires or ())
    return next((match[1] for match in matches if match), "")
