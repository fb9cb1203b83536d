"""`manage.py fetch_models` tells the truth by its exit code and its words."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from recognition.vision.encoders.fetch import download
from recognition.vision.encoders.fetch.results import FetchResult


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings) -> list[FetchResult]:
    """Let the download give these results instead of asking the network."""
    settings.MODELS_DIR = tmp_path
    results: list[FetchResult] = []
    asked: dict[str, object] = {}

    def fetch(names: list[str], **options: object) -> list[FetchResult]:
        asked.update(options, names=names)
        assert asked == {**asked, "names": ["dinov3-convnext"], "models_dir": tmp_path, "source": "timm"}
        return results

    monkeypatch.setattr(download, "fetch", fetch)
    return results


def test_weights_that_are_there_are_a_success(fetched: list[FetchResult], tmp_path: Path) -> None:
    fetched.append(FetchResult("timm/x", tmp_path / "timm" / "x", "present", None, "All files are right."))
    output = StringIO()
    call_command("fetch_models", "dinov3-convnext", "--json", stdout=output)
    assert json.loads(output.getvalue()) == [
        {
            "repo": "timm/x",
            "folder": str(tmp_path / "timm" / "x"),
            "state": "present",
            "problem": None,
            "detail": "All files are right.",
        }
    ]


def test_one_checkpoint_that_failed_makes_the_command_fail(fetched: list[FetchResult]) -> None:
    fetched.append(FetchResult("timm/x", None, "failed", "unreachable", "The hub cannot be reached."))
    with pytest.raises(CommandError, match=r"Not fetched: timm/x\."):
        call_command("fetch_models", "dinov3-convnext", stdout=StringIO())
