"""The files that hand settings over name exactly the settings there are."""

from __future__ import annotations

import re
import runpy
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from checkout.routing import websocket_urlpatterns
from ebrcs.env import Environment
from ebrcs.settings import env


def test_the_example_lists_every_setting_and_no_other() -> None:
    text = (settings.BASE_DIR / ".env.example").read_text()
    assert set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE)) == env.names


def test_compose_sets_only_settings_that_exist() -> None:
    services = yaml.safe_load((settings.BASE_DIR / "compose.yaml").read_text())["services"]
    ours = {
        name
        for service in services.values()
        if service.get("image") == "ebrcs"
        for name in service["environment"]
    }
    assert "DATABASE_URL" in ours
    assert ours <= env.names
    assert services["web"]["env_file"] == [{"path": ".env", "required": False}]
    assert services["web"]["deploy"]["replicas"] == 2


def test_compose_leaves_to_the_servers_what_every_server_does_by_itself() -> None:
    services = yaml.safe_load((settings.BASE_DIR / "compose.yaml").read_text())["services"]
    assert sorted(services) == ["db", "migrate", "proxy", "redis", "web"]
    assert "command" not in services["web"]


def test_compose_lets_only_the_proxy_be_reached_and_keeps_the_stores_to_the_shop() -> None:
    found = yaml.safe_load((settings.BASE_DIR / "compose.yaml").read_text())
    services = found["services"]
    assert found["networks"]["stores"] == {"internal": True}
    assert {name: services[name]["networks"] for name in services} == {
        "db": ["stores"],
        "redis": ["stores"],
        "migrate": ["stores"],
        "web": ["shop", "stores"],
        "proxy": ["shop"],
    }
    assert [name for name in services if "ports" in services[name]] == ["proxy"]


def test_redis_of_compose_asks_for_the_password_that_the_shop_sends() -> None:
    services = yaml.safe_load((settings.BASE_DIR / "compose.yaml").read_text())["services"]
    needed = "${REDIS_PASSWORD:?set REDIS_PASSWORD in .env}"
    assert services["web"]["environment"]["REDIS_URL"] == f"redis://:{needed}@redis:6379/0"
    assert services["redis"]["environment"] == {"REDISCLI_AUTH": needed}
    assert services["redis"]["user"] == "redis"
    assert 'requirepass %s\\n\' "$$REDISCLI_AUTH" | exec redis-server -' in services["redis"]["command"][2]


def test_the_proxy_of_compose_sends_the_sockets_of_a_session_to_one_process() -> None:
    proxy = yaml.safe_load((settings.BASE_DIR / "compose.yaml").read_text())["services"]["proxy"]
    assert "./Caddyfile:/etc/caddy/Caddyfile:ro" in proxy["volumes"]
    assert "command" not in proxy
    assert proxy["environment"] == {"EBRCS_HOST": "${EBRCS_HOST:-localhost}"}
    lines = [line.strip() for line in (settings.BASE_DIR / "Caddyfile").read_text().splitlines()]
    matched = next(line for line in lines if line.startswith("@socket "))
    pattern = matched.removeprefix("@socket path_regexp session ")
    # No client may choose its process, so what it sent is removed before the session's id is put in.
    route = lines[lines.index("route {") :]
    assert route[1:4] == [
        "request_header -X-Checkout-Session",
        "request_header @socket X-Checkout-Session {re.session.1}",
        "reverse_proxy {",
    ]
    assert "lb_policy header X-Checkout-Session" in route
    session_id = str(uuid.uuid4())
    for address in (f"api/ws/checkout/{session_id}", f"api/ws/checkout/{session_id}/"):
        assert websocket_urlpatterns[0].resolve(address)
        found = re.fullmatch(pattern, f"/{address}")
        assert found is not None
        assert found[1] == session_id


def test_every_way_to_serve_leaves_it_to_the_socket_to_refuse_a_large_frame() -> None:
    for name in ("Makefile", "Dockerfile", "DEPLOYMENT.md"):
        text = (settings.BASE_DIR / name).read_text()
        for limit in ("message", "frame"):
            found = re.findall(rf'--websocket-max-{limit}-size[", ]+(\d+)', text)
            assert [int(size) for size in found] == [2 * settings.FRAME_MAX_BYTES], (name, limit)


def test_a_setting_that_nobody_reads_is_named() -> None:
    reader = Environment({"EBRCS_DEBUG": "no", "EBRCS_DEBUGG": "yes", "PATH": "/bin"})
    assert reader.flag("EBRCS_DEBUG", default=True) is False
    assert reader.unknown_names("EBRCS_") == ["EBRCS_DEBUGG"]


@pytest.mark.parametrize(
    ("read", "allowed"),
    [
        (lambda reader: reader.flag("X", default=False), "yes, on and 0, false, no, off"),
        (lambda reader: reader.integer("X", 1, minimum=1, maximum=5), "a whole number is needed"),
        (lambda reader: reader.number("X", 1, minimum=1, maximum=5), "a number is needed"),
        (lambda reader: reader.choice("X", "a", ("a", "b")), "allowed are a, b"),
        (lambda reader: reader.pattern("X", "", "[A-Z]{3}", "three letters are needed"), "X: three letters"),
        (lambda reader: reader.time_zone("X", "UTC"), "a name such as Europe/Berlin is needed"),
        (lambda reader: reader.origins("X"), "addresses such as https://shop.example are needed"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_what_is_allowed(
    read: Callable[[Environment], object], allowed: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=allowed):
        read(Environment({"X": "perhaps"}))


def test_bounds_are_kept_and_both_included() -> None:
    assert Environment({"X": "5"}).integer("X", 1, minimum=1, maximum=5) == 5
    for value in ("0", "6"):
        with pytest.raises(ImproperlyConfigured, match="allowed are 1 to 5"):
            Environment({"X": value}).integer("X", 1, minimum=1, maximum=5)
    with pytest.raises(ImproperlyConfigured, match=r"allowed are 0\.0 to 1\.0"):
        Environment({"X": "nan"}).number("X", 1, minimum=0.0, maximum=1.0)


def test_time_zones_and_origins_are_read() -> None:
    reader = Environment({"X": "Asia/Seoul", "Y": "https://shop.example, http://localhost:3000"})
    assert reader.time_zone("X", "UTC") == "Asia/Seoul"
    assert reader.time_zone("Z", "UTC") == "UTC"
    assert reader.origins("Y") == ["https://shop.example", "http://localhost:3000"]
    assert reader.origins("Z") == []
    for value in ("../etc/passwd", "/etc/localtime", "Asia"):
        with pytest.raises(ImproperlyConfigured, match="a name such as"):
            Environment({"X": value}).time_zone("X", "UTC")
    with pytest.raises(ImproperlyConfigured, match="without a path"):
        Environment({"Y": "https://shop.example/"}).origins("Y")


def test_an_empty_value_counts_as_not_set() -> None:
    reader = Environment({"X": "  ", "Y": "a, ,b,"})
    assert reader.text("X", "fallback") == "fallback"
    assert reader.words("X", ("one",)) == ["one"]
    assert reader.words("Y") == ["a", "b"]


@pytest.mark.parametrize("folder", ["a#b", "a?b", "50%20off", "with space", "한글"])
def test_the_database_lies_in_the_data_folder_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("EBRCS_DATA_DIR", str(tmp_path / folder))
    found = runpy.run_path(str(settings.BASE_DIR / "ebrcs" / "settings.py"))
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / folder / "ebrcs.sqlite3")
