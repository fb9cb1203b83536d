"""System checks: what must not go unnoticed in a configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings as project_settings
from django.contrib.auth.hashers import check_password
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from accounts import selectors
from accounts.checks import default_passwords_known, default_passwords_refused
from accounts.models import User
from accounts.selectors import default_accounts_list
from ebrcs.checks import environment_names_known, origins_listed, proxies_counted
from tests.recognition.vision.encoders.installed_pair import installed_lay


def pair_lay(folder: Path, *, torchvision: str) -> Path:
    """Make a torch for the CPU and a torchvision appear installed, whatever this machine has."""
    packages = folder / f"beside-{torchvision}"
    installed_lay(packages, "torch", "2.13.0+cpu", inside="2.13.0+cpu")
    installed_lay(packages, "torchvision", "0.28.0", inside=torchvision, needs="torch==2.13.0")
    return packages


def manage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=project_settings.BASE_DIR,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("EBRCS_")},
            "DJANGO_SETTINGS_MODULE": "ebrcs.settings",
            "EBRCS_DATA_DIR": str(folder),
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "PYTHONPATH": str(pair_lay(folder, torchvision="0.28.0+cpu")),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.django_db
def test_published_passwords_are_a_warning_and_refused_in_a_deployment() -> None:
    User.objects.create_superuser("admin", "admin123")
    changed = User.objects.create_user("user1", "user123")
    assert default_accounts_list() == ["admin", "user1"]
    assert [message.id for message in default_passwords_known(None)] == ["ebrcs.W003"] * 2
    assert [message.id for message in default_passwords_refused(None)] == ["ebrcs.E003"] * 2
    changed.set_password("Another-Horse-8")
    changed.save()
    assert default_accounts_list() == ["admin"]
    User.objects.update(is_active=False)
    assert default_passwords_known(None) == default_passwords_refused(None) == []


@pytest.mark.django_db
def test_a_password_is_hashed_once_for_all_checks() -> None:
    User.objects.create_superuser("admin", "admin123")
    with mock.patch.object(selectors, "check_password", wraps=check_password) as check:
        assert [default_accounts_list() for _ in range(3)] == [["admin"]] * 3
    assert check.call_count == 1


def test_before_migrations_there_is_nothing_to_warn_of(tmp_path: Path) -> None:
    outcome = manage(tmp_path, "check")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout == "System check identified no issues (0 silenced).\n"


def test_a_deployment_that_trusts_every_host_is_refused(tmp_path: Path) -> None:
    outcome = manage(tmp_path, "check", "--deploy", EBRCS_ALLOWED_HOSTS="*")
    assert outcome.returncode == 1
    assert "ebrcs.E002" in outcome.stderr
    assert manage(tmp_path, "check", "--deploy", EBRCS_BEHIND_HTTPS="1", EBRCS_PROXIES="1").returncode == 0


def test_a_proxy_that_is_not_counted_is_refused_in_a_deployment(tmp_path: Path, settings: Settings) -> None:
    outcome = manage(tmp_path, "check", "--deploy", EBRCS_BEHIND_HTTPS="1")
    assert (outcome.returncode, "ebrcs.E006" in outcome.stderr) == (1, True)
    assert proxies_counted(None) == []
    settings.BEHIND_HTTPS = True
    assert [message.id for message in proxies_counted(None)] == ["ebrcs.E006"]


@pytest.mark.parametrize("command", ["migrate", "seed_demo"])
def test_a_setting_that_cannot_be_meant_is_told_in_one_line(tmp_path: Path, command: str) -> None:
    outcome = manage(tmp_path, command, EBRCS_ENCODER_DTYPE="float16")
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr == (
        "The settings cannot be used: EBRCS_ENCODER_DTYPE='float16': allowed are auto, float32, bfloat16\n"
    )


def test_a_database_that_cannot_be_reached_is_told_without_a_trace_of_calls(tmp_path: Path) -> None:
    outcome = manage(tmp_path, "showmigrations", DATABASE_URL="postgresql://nobody@127.0.0.1:1/shop")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("The database cannot be used: connection failed: ")
    traced = manage(
        tmp_path, "showmigrations", "--traceback", DATABASE_URL="postgresql://nobody@127.0.0.1:1/shop"
    )
    assert "Traceback" in traced.stderr


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = manage(tmp_path, "check", EBRCS_DATA_DIR=str(tmp_path / "file" / "var"), EBRCS_SECRET_KEY="")
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "EBRCS_DATA_DIR: nothing can be written there" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_checking_loads_no_heavy_library(tmp_path: Path) -> None:
    script = (
        "import sys; from django.core.management import execute_from_command_line as run; "
        "run(['manage.py', 'check']); print({'torch', 'faiss', 'cv2', 'transformers'} & set(sys.modules))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project_settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ebrcs.settings",
            "EBRCS_DATA_DIR": str(tmp_path),
            "DATABASE_URL": "",
            "REDIS_URL": "",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert outcome.stdout.splitlines()[-1] == "set()"


def test_a_misspelt_variable_is_named(settings: Settings) -> None:
    assert environment_names_known(None) == []
    settings.UNKNOWN_ENVIRONMENT_NAMES = ["EBRCS_ENCODRE"]
    assert [(message.id, "EBRCS_ENCODRE" in message.msg) for message in environment_names_known(None)] == [
        ("ebrcs.W001", True)
    ]


def test_listed_hosts_are_fine(settings: Settings) -> None:
    assert origins_listed(None) == []
    settings.ALLOWED_HOSTS = ["*"]
    assert [message.id for message in origins_listed(None)] == ["ebrcs.E002"]


@pytest.mark.django_db
def test_the_checks_run_without_complaint_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(pair_lay(tmp_path, torchvision="0.28.0+cpu"))
    assert run_checks() == []


def test_a_torchvision_of_another_build_is_a_warning_and_no_obstacle(tmp_path: Path) -> None:
    outcome = manage(tmp_path, "check", PYTHONPATH=str(pair_lay(tmp_path, torchvision="0.28.0+cu130")))
    assert outcome.returncode == 0
    assert outcome.stderr == (
        "System check identified some issues:\n\nWARNINGS:\n"
        "?: (ebrcs.W004) DINOv3 and CLIP encoders cannot be loaded: "
        "torch 2.13.0+cpu and torchvision 0.28.0+cu130 are different builds.\n"
        "\tHINT: Run `pip install torchvision==0.28.0+cpu --index-url https://download.pytorch.org/whl/cpu`. "
        "The compact encoder needs no torchvision.\n\n"
        "System check identified 1 issue (0 silenced).\n"
    )
