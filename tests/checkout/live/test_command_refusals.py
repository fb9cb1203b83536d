"""A refusal names the command that it answers, whatever went wrong."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from checkout.errors import BarcodeInvalid
from checkout.live import command_worker
from checkout.live.command_worker import CommandWorker

ID = "00000000-0000-4000-8000-000000000001"


async def answered(command: str, failure: Exception, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the answer to a command during which something fails."""
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    commands: asyncio.Queue[Any] = asyncio.Queue()

    async def failing(*arguments: object, **named: object) -> None:
        raise failure

    async def nothing() -> None:
        """Store nothing."""

    monkeypatch.setattr(command_worker, "in_database", failing)
    worker = CommandWorker(
        session_id=UUID(int=1),
        connection=SimpleNamespace(),  # type: ignore[arg-type]
        commands=commands,
        send=sent.put,
        cart_sync=SimpleNamespace(),  # type: ignore[arg-type]
        store=nothing,
    )
    running = asyncio.create_task(worker.run())
    await commands.put(command)
    try:
        return await asyncio.wait_for(sent.get(), 5)
    finally:
        running.cancel()


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (BarcodeInvalid("No barcode."), "bad_barcode"),
        (OperationalError(), "database_unavailable"),
        (RuntimeError(), "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
async def test_a_refused_barcode_is_named_by_its_id(
    failure: Exception, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = f'{{"type": "barcode", "code": "4006381333931", "event_id": "{ID}"}}'
    answer = await answered(command, failure, monkeypatch)
    assert (answer["code"], answer["data"]["event_id"]) == (code, ID)


async def test_a_command_without_an_id_is_refused_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    command = '{"type": "barcode", "code": "4006381333931"}'
    answer = await answered(command, RuntimeError(), monkeypatch)
    assert (answer["code"], answer["data"]) == ("internal_error", {})
