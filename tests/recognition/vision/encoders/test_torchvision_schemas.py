"""torchvision imports where only schemas of its operators are missing; elsewhere it stays as it is."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from types import ModuleType

import pytest

from tests.recognition.vision.encoders import torchvision_schemas

TRY = """
from tests.recognition.vision.encoders.torchvision_schemas import make_torchvision_importable
print(make_torchvision_importable(), make_torchvision_importable())
from torchvision import extension
from torchvision.transforms.v2 import functional
print(extension._has_ops())
"""


@cache
def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )


def test_torchvision_imports_silently_and_schemas_are_declared_only_where_they_must_be() -> None:
    helped = run(TRY)
    assert (helped.returncode, helped.stderr) == (0, "")
    declared, again, compiled = helped.stdout.split()
    assert declared == again
    assert declared == ("False" if compiled == "True" else "True")


def test_without_the_schemas_a_torchvision_that_is_not_compiled_for_this_torch_fails() -> None:
    declared = run(TRY).stdout.split()[0] == "True"
    plain = run("import torchvision")
    assert (plain.returncode != 0) == declared
    assert ("operator torchvision::nms does not exist" in plain.stderr) == declared


def test_a_whole_torchvision_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setattr(torchvision_schemas, "_declared", [])
    assert torchvision_schemas.make_torchvision_importable() is False
    assert torchvision_schemas._declared == []


def test_another_fault_of_torchvision_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_name: str) -> ModuleType:
        raise RuntimeError("compiled with another CUDA")

    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr("importlib.import_module", fail)
    monkeypatch.setattr(torchvision_schemas, "_declared", [])
    with pytest.raises(RuntimeError, match="another CUDA"):
        torchvision_schemas.make_torchvision_importable()
    assert torchvision_schemas._declared == []
