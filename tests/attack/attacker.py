"""The process of one attack: prepares, waits for the word, attacks, and tells what came of it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback

from tests.attack import http_bodies, pictures, races, sockets
from tests.attack.attacks import REGISTRY, Attack, Target

NICENESS = 10  # the bystander must not suffer from how much the attacker computes


def attacks_known() -> dict[str, Attack]:
    """Return all attacks by name; importing their modules registers them."""
    assert all((http_bodies, sockets, pictures, races))
    return REGISTRY


async def attack_run(name: str, target: Target) -> None:
    """Run one attack; what it fails at itself is part of what came of it."""
    try:
        async with asyncio.timeout(None) as target.limit:
            await attacks_known()[name].run(target)
    except TimeoutError:
        target.broken.append("not all of it was answered")
    except Exception:  # noqa: BLE001 - any fault of an attack is reported with its row
        target.broken.append(f"the attack failed: {traceback.format_exc(limit=-1).splitlines()[-1]}")


def main() -> None:
    """Attack as standard input says."""
    os.nice(NICENESS)
    asked = json.loads(sys.stdin.readline())
    target = Target(**asked["target"])
    asyncio.run(attack_run(asked["name"], target))
    answers = {answer: count for answer, count in target.answers.items() if count}
    print(json.dumps({"answers": answers, "broken": target.broken, "notes": target.notes}))  # noqa: T201


if __name__ == "__main__":
    main()
