"""Frames that are none: each is answered, none closes the socket, and the next good one is processed."""

from __future__ import annotations

import random
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from accounts.models import User
from checkout.cart import services
from tests.checkout.serving import Server, SocketClient, bearer, jpeg, socket_connect
from tests.recognition.vision.scenes import Stage

MALFORMED_COUNT = 1000
SOCKETS = 4


def bomb_png(width: int, height: int) -> bytes:
    """Return a PNG that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def malformed(good: bytes, dice: random.Random) -> bytes:
    """Return something that is no good frame, of many kinds."""
    match dice.randrange(6):
        case 0:
            return dice.randbytes(dice.randrange(0, 2000))
        case 1:
            return good[: dice.randrange(0, len(good) - 2)]
        case 2:
            broken = bytearray(good)
            for _ in range(20):
                broken[dice.randrange(2, 600)] = dice.randrange(256)
            return bytes(broken)
        case 3:
            return bomb_png(dice.choice([30_000, 65_535, 2**31 - 1]), dice.choice([30_000, 2**31 - 1]))
        case 4:
            return good + b"<script>" + dice.randbytes(50)
    return b"GIF89a" + dice.randbytes(100)


def answer_to(client: SocketClient, frame: bytes) -> dict[str, object]:
    client.frame(frame)
    while "frame" not in (message := client.next()):
        pass
    return message


def malformed_sent(server: Server, user: User, seed: int) -> tuple[int, float]:
    """Send a share of the malformed frames; return how many were refused, and the growth in MB."""
    dice = random.Random(seed)
    good = jpeg(Stage().frame())
    refused = 0
    memory_mb = []
    with socket_connect(server, services.session_start(user=user).pk, headers=bearer(user)) as client:
        for number in range(1, MALFORMED_COUNT // SOCKETS + 1):
            due_s = time.monotonic() + 0.034
            answer = answer_to(client, malformed(good, dice))
            assert (answer["frame"], answer["dropped"]) == (number, 0)
            if answer["type"] == "error":
                assert (answer["code"], bool(answer["detail"])) == ("bad_frame", True)
                refused += 1
            if number % 100 == 0:
                memory_mb.append(server.memory_mb())
            time.sleep(max(0.0, due_s - time.monotonic()))
        assert answer_to(client, good)["type"] == "frame.result"
    connection.close()
    return refused, memory_mb[-1] - memory_mb[0]


def test_malformed_frames_are_answered_and_the_next_good_one_is_processed(
    server: Server, shopper: User
) -> None:
    with ThreadPoolExecutor(SOCKETS) as pool:
        outcomes = list(pool.map(lambda seed: malformed_sent(server, shopper, seed), range(SOCKETS)))
    # Some of the altered bytes make no difference to a decoder.
    assert sum(refused for refused, _ in outcomes) > 0.8 * MALFORMED_COUNT
    assert max(grown_mb for _, grown_mb in outcomes) < 20


def test_a_frame_beyond_the_limits_is_refused_with_the_limit(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        for frame, reason in (
            (b"", "empty"),
            (jpeg(Stage().frame()).ljust(2**20 + 1, b"\0"), "too_large"),
            (b"\0" * (2**20 + 2**19), "too_large"),
            (bomb_png(6000, 5000), "too_many_pixels"),
            (b"GIF89a" + b"\0" * 100, "unsupported_format"),
        ):
            answer = answer_to(client, frame)
            assert (answer["code"], answer["data"]) == ("bad_frame", {"reason": reason})
        assert answer_to(client, jpeg(Stage().frame()).ljust(2**20, b"\0"))["type"] == "frame.result"
