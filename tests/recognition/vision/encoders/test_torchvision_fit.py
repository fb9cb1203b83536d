"""A torch and a torchvision that do not fit are named, with the remedy, where they are needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from recognition.vision.encoders import registry, torchvision_fit
from recognition.vision.encoders.errors import TorchvisionUnusable
from recognition.vision.encoders.torchvision_fit import (
    Misfit,
    installed_version,
    torchvision_misfit,
    torchvision_require,
)
from tests.recognition.vision.encoders.installed_pair import installed_lay
from tests.recognition.vision.encoders.small_checkpoints import save_clip, save_convnext

REQUIREMENTS = "pip install --requirement requirements.txt"
CPU_REMEDY = "pip install torchvision==0.28.0+cpu --index-url https://download.pytorch.org/whl/cpu"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose packages are found before the installed ones."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.mark.parametrize(
    ("torch", "torchvision", "needs"),
    [
        ("2.13.0+cpu", "0.28.0+cpu", "torch==2.13.0"),
        ("2.13.0+cu130", "0.28.0+cu130", "torch (==2.13.0)"),
        ("2.13.0", "0.28.0", "torch==2.13.0"),
        ("2.13.0+cpu", "0.28.0", "torch==2.13.0"),
        ("2.13.0", "0.28.0+cu130", ""),
    ],
)
def test_a_pair_that_fits_or_cannot_be_judged_is_left_alone(
    packages: Path, torch: str, torchvision: str, needs: str
) -> None:
    installed_lay(packages, "torch", torch.partition("+")[0], inside=torch)
    installed_lay(packages, "torchvision", "0.28.0", inside=torchvision, needs=needs)
    assert torchvision_misfit() is None


def test_different_builds_are_named_with_the_command_that_mends_it(packages: Path) -> None:
    installed_lay(packages, "torch", "2.13.0+cpu", inside="2.13.0+cpu")
    installed_lay(packages, "torchvision", "0.28.0", inside="0.28.0+cu130", needs="torch (==2.13.0)")
    assert torchvision_misfit() == Misfit(
        "torch 2.13.0+cpu and torchvision 0.28.0+cu130 are different builds", CPU_REMEDY
    )


def test_another_release_of_torch_is_named(packages: Path) -> None:
    installed_lay(packages, "torch", "2.12.1", inside="2.12.1+cpu")
    installed_lay(packages, "torchvision", "0.28.0", inside="0.28.0+cpu", needs="torch==2.13.0")
    assert torchvision_misfit() == Misfit(
        "torchvision 0.28.0+cpu needs torch 2.13.0, not 2.12.1+cpu", REQUIREMENTS
    )


def test_a_package_that_is_missing_is_named(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"torch": "2.13.0"}
    monkeypatch.setattr(torchvision_fit, "installed_version", lambda package: versions.get(package, ""))
    assert torchvision_misfit() == Misfit("torchvision is not installed", REQUIREMENTS)
    versions.clear()
    assert torchvision_misfit() is None


def test_the_version_inside_a_package_goes_before_that_of_its_wheel(packages: Path) -> None:
    assert installed_version("of-no-such-name") == ""
    installed_lay(packages, "plain", "1.0")
    installed_lay(packages, "tagged", "1.0", inside="1.0+cpu")
    installed_lay(packages, "strange", "1.0", inside="")
    assert [installed_version(name) for name in ("plain", "tagged", "strange")] == ["1.0", "1.0+cpu", "1.0"]


@pytest.mark.parametrize(
    "failure", [RuntimeError("operator torchvision::nms does not exist\nmore"), ImportError("no torchvision")]
)
def test_an_import_that_fails_is_an_encoder_error_with_the_remedy(
    packages: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(name: str) -> ModuleType:
        raise failure

    monkeypatch.setattr(torchvision_fit, "import_module", fail)
    installed_lay(packages, "torch", "2.13.0+cpu", inside="2.13.0+cpu")
    installed_lay(packages, "torchvision", "0.28.0", inside="0.28.0+cu130")
    with pytest.raises(TorchvisionUnusable) as refused:
        torchvision_require("dinov3-vitl")
    assert str(refused.value) == (
        "encoder 'dinov3-vitl' cannot be loaded: torch 2.13.0+cpu and torchvision 0.28.0+cu130 are different "
        f"builds; run `{CPU_REMEDY}`, or use compact, which needs no torchvision"
    )
    assert refused.value.__cause__ is failure


def test_a_failure_that_versions_do_not_explain_is_told_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> ModuleType:
        raise RuntimeError("compiled with another CUDA\nsecond line")

    monkeypatch.setattr(torchvision_fit, "import_module", fail)
    monkeypatch.setattr(torchvision_fit, "torchvision_misfit", lambda: None)
    with pytest.raises(TorchvisionUnusable) as refused:
        torchvision_require("dinov3-convnext")
    assert str(refused.value) == (
        "encoder 'dinov3-convnext' cannot be loaded: "
        "torchvision cannot be imported: compiled with another CUDA; "
        f"run `{REQUIREMENTS}`, or use compact, which needs no torchvision"
    )


def test_an_encoder_with_its_weights_is_refused_and_compact_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> ModuleType:
        raise RuntimeError("operator torchvision::nms does not exist")

    save_convnext(tmp_path)
    save_clip(tmp_path)
    monkeypatch.setattr(torchvision_fit, "import_module", fail)
    with pytest.raises(TorchvisionUnusable, match=r"^encoder 'dinov3-convnext' cannot be loaded: "):
        registry.load("dinov3-convnext", models_dir=tmp_path)
    # and `auto` does not pass over weights that somebody fetched without a word
    with pytest.raises(TorchvisionUnusable):
        registry.load("auto", models_dir=tmp_path)
    assert registry.load("compact", models_dir=tmp_path, threads=1).name == "compact"


def test_comparing_imports_neither_library() -> None:
    code = (
        "import sys; from recognition.vision.encoders.torchvision_fit import torchvision_misfit\n"
        "torchvision_misfit(); print(sorted({'torch', 'torchvision'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_comparison_says_what_the_import_does() -> None:
    tried = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, check=False)
    assert (torchvision_misfit() is None) == (tried.returncode == 0)
