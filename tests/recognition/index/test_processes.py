"""Several processes over one database: equal replicas though every hint is lost, and sooner with hints."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.recognition.index.scratch import ShopProcess, scratch_shop

AGREE_S = 2.0


@pytest.mark.postgres
def test_processes_agree_within_two_seconds_though_all_hints_are_lost(tmp_path: Path) -> None:
    # No Redis in their environment: a process learns of others' changes by its poll alone.
    with scratch_shop(tmp_path) as env, ExitStack() as stack:
        shops = [stack.enter_context(ShopProcess(env)) for _ in range(3)]
        for shop in shops:
            assert shop.ask("wait", seq=0, timeout_s=30) == {"reached": True}

        milk = shops[0].ask("register", name="Milk", numbers=[1, 2])
        for shop in shops[1:]:
            assert shop.ask("applied", seq=milk["seq"], timeout_s=AGREE_S) == {"reached": True}
            assert shop.ask("recognize", number=2) == {
                "state": "accepted",
                "product_ids": [milk["product_id"]],
            }
        tea = shops[1].ask("register", name="Tea", numbers=[3])
        gone = shops[2].ask("set_active", product_id=milk["product_id"], is_active=False)
        assert (milk["seq"], tea["seq"], gone["seq"]) == (2, 3, 5)
        for shop in shops:
            assert shop.ask("applied", seq=gone["seq"], timeout_s=AGREE_S) == {"reached": True}
        replicas = [shop.ask("replica") for shop in shops]
        assert replicas[0] == replicas[1] == replicas[2]
        assert replicas[0]["active"] == [False, False, True]
        assert replicas[0]["failure"] == ""
        assert [shop.ask("recognize", number=1)["state"] for shop in shops] == ["unknown"] * 3


@pytest.mark.postgres
@pytest.mark.redis
def test_hint_wakes_other_processes_long_before_their_poll(tmp_path: Path) -> None:
    with scratch_shop(tmp_path, redis=True) as env, ExitStack() as stack:
        shops = [stack.enter_context(ShopProcess(env, "3600")) for _ in range(2)]
        for shop in shops:
            assert shop.ask("wait", seq=0, timeout_s=30) == {"reached": True}
            assert shop.ask("listening", timeout_s=30) == {"listening": True}
        milk = shops[0].ask("register", name="Milk", numbers=[1])
        assert shops[1].ask("applied", seq=milk["seq"], timeout_s=30) == {"reached": True}
