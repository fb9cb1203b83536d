"""The servers by which consoles and lanes find each other, as the environment names them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from ebrcs.env import Environment
from tests.ebrcs.test_setting_bounds import settings_with

NAME = "EBRCS_ICE_SERVERS"


def test_without_any_there_are_none() -> None:
    assert Environment({}).ice_servers(NAME) == []


def test_they_are_read_as_browsers_take_them() -> None:
    text = (
        '[{"urls": "stun:stun.example:3478"}, '
        '{"urls": ["turn:a.example", "turns:a.example:5349"], "username": "shop", "credential": "s3cret"}]'
    )
    found = Environment({NAME: text}).ice_servers(NAME)
    assert [server["urls"] for server in found] == [
        "stun:stun.example:3478",
        ["turn:a.example", "turns:a.example:5349"],
    ]


def test_they_reach_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_with(monkeypatch)["ICE_SERVERS"] == []
    found = settings_with(monkeypatch, **{NAME: '[{"urls": "stun:stun.example:3478"}]'})
    assert found["ICE_SERVERS"] == [{"urls": "stun:stun.example:3478"}]


@pytest.mark.parametrize(
    "text",
    [
        "stun:stun.example",
        "{}",
        '{"urls": "stun:stun.example"}',
        "[7]",
        "[{}]",
        '[{"urls": []}]',
        '[{"urls": "https://stun.example"}]',
        '[{"urls": ["stun:stun.example", 7]}]',
        '[{"urls": "turn:turn.example", "credential": 7, "username": "s3cret"}]',
        '[{"urls": "turn:turn.example", "password": "s3cret"}]',
    ],
)
def test_anything_else_is_refused_at_the_start_without_showing_secrets(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=NAME) as refused:
        Environment({NAME: text}).ice_servers(NAME)
    assert "s3cret" not in str(refused.value)
