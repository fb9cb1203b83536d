"""A checkout is attacked as it says itself that it is deployed."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from tests.attack.servers import deployment


def test_the_servers_run_with_the_options_of_the_documentation() -> None:
    options, proxies = deployment(settings.BASE_DIR)
    assert options[options.index("--websocket-max-message-size") + 1] == "2097152"
    assert not {"-b", "-p", "#"} & set(options)
    assert proxies in {"0", "1"}


def test_the_number_of_proxies_is_that_of_the_same_block(tmp_path: Path) -> None:
    (tmp_path / "DEPLOYMENT.md").write_text(
        "```\nexport EBRCS_PROXIES=7\n```\n```\nexport EBRCS_PROXIES=1\n"
        "daphne -b 127.0.0.1 -p 8000 --verbosity 0 \\\n"
        "  --websocket-max-frame-size 9 ebrcs.asgi:application  # one each\n```\n"
    )
    assert deployment(tmp_path) == (["--verbosity", "0", "--websocket-max-frame-size", "9"], "1")


def test_a_checkout_that_does_not_say_is_attacked_with_the_defaults(tmp_path: Path) -> None:
    assert deployment(tmp_path) == ([], "0")
