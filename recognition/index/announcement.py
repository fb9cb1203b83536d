"""Telling replicas that the log has grown: a hint that may be lost, never a guarantee."""

from __future__ import annotations

import logging
import threading
from functools import partial

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from recognition.engine import shared

logger = logging.getLogger(__name__)

INDEX_GROUP = "index"
LOCAL_WAIT_S = 2.0


def index_changed(*, seq: int) -> None:
    """Tell the replica of this process and those of others about a sequence number once it is committed.

    The caller waits for its own replica, so that what was registered is recognised by the next call in this
    process. Whatever fails here is logged: the change is committed, and every replica polls.
    """
    transaction.on_commit(partial(_announce, seq), robust=True)


def _announce(seq: int) -> None:
    if not isinstance(get_channel_layer(), InMemoryChannelLayer | None):
        # In a thread, because a Redis that does not answer must not keep the shop keeper waiting.
        threading.Thread(target=_send, args=(seq,), name="index-hint", daemon=True).start()
    running = shared.engine_running()
    if running is not None and running.replica.following:
        running.replica.hint(seq)
        running.replica.wait_for(seq, timeout_s=LOCAL_WAIT_S)


def _send(seq: int) -> None:
    try:
        layer = get_channel_layer()
        assert layer is not None
        async_to_sync(layer.group_send)(INDEX_GROUP, {"type": "index.changed", "seq": seq})
    except Exception:
        logger.warning("could not tell other processes about index seq %d", seq, exc_info=True)
