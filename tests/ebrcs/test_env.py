"""Rates in the environment, and the file that adds to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from ebrcs.env import Environment, environment_file_read


@pytest.mark.parametrize("rate", ["1/s", "10/min", "5/hour", "200/day", "3/m"])
def test_a_rate_is_read(rate: str) -> None:
    assert Environment({"RATE": rate}).rate("RATE", "1/s") == rate


@pytest.mark.parametrize("rate", ["10", "0/min", "-1/min", "10/week", "10 / min", "many/min", "1.5/s"])
def test_a_rate_that_cannot_be_meant_is_refused_with_what_is_allowed(rate: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="a number above 0, a slash and s, min, hour or day"):
        Environment({"RATE": rate}).rate("RATE", "1/s")


@pytest.fixture
def surroundings() -> dict[str, str]:
    return {"GIVEN": "by the environment"}


def test_a_file_adds_to_the_environment_and_never_overrules_it(
    tmp_path: Path, surroundings: dict[str, str]
) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\n\n"
        "GIVEN=by the file\n"
        "PLAIN=EUR   # ISO 4217\n"
        "ADDRESS=postgresql://user:p#a$s@host/name\n"
        "export FOLDER=my data \n"
        'QUOTED="a # b" # c\n'
        "SINGLE = 'it is \"so\"'\n"
        "EMPTY=\n"
        "ONLY_A_COMMENT= # nothing\n"
    )
    environment_file_read(tmp_path / ".env", surroundings)
    assert surroundings == {
        "GIVEN": "by the environment",
        "PLAIN": "EUR",
        "ADDRESS": "postgresql://user:p#a$s@host/name",
        "FOLDER": "my data",
        "QUOTED": "a # b",
        "SINGLE": 'it is "so"',
        "EMPTY": "",
        "ONLY_A_COMMENT": "",
    }


@pytest.mark.parametrize("line", ["no equals sign", "=value", "NAME='open", 'NAME="a" b', "A-B=c"])
def test_a_line_that_cannot_be_meant_is_refused_with_its_number(
    tmp_path: Path, surroundings: dict[str, str], line: str
) -> None:
    (tmp_path / ".env").write_text(f"# first\n{line}\n")
    with pytest.raises(ImproperlyConfigured, match="line 2: NAME=value is needed"):
        environment_file_read(tmp_path / ".env", surroundings)
    assert surroundings == {"GIVEN": "by the environment"}


def test_no_file_is_no_fault(tmp_path: Path, surroundings: dict[str, str]) -> None:
    environment_file_read(tmp_path / ".env", surroundings)
    assert surroundings == {"GIVEN": "by the environment"}
