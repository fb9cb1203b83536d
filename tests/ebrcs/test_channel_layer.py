"""The channel layer over Redis, as the settings make it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.layers import get_channel_layer


@pytest.mark.redis
async def test_a_listener_that_hears_nothing_keeps_its_connection() -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    # The layer asks Redis to wait that long; the driver must not give up before the answer comes.
    heard = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(layer.brpop_timeout + 0.5)
    assert not heard.done()
    await layer.send(channel, {"type": "late"})
    assert await asyncio.wait_for(heard, 5) == {"type": "late"}
    await layer.flush()
