"""Sockets and frames as `/metrics` of a running server counts them."""

from __future__ import annotations

from accounts.models import User
from checkout.cart import services
from tests.checkout.serving import Server, bearer, jpeg, socket_connect
from tests.ebrcs.scraping import scrape
from tests.recognition.vision.scenes import Stage
from tests.waiting import until

REFUSED = 'ebrcs_frames_total{outcome="refused"}'


def test_a_played_frame_moves_them(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    before = scrape(server)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        for frame, answer in ((jpeg(Stage().frame()), "frame.result"), (b"no picture", "error")):
            client.frame(frame)
            client.next(answer)
        # An answer leaves just before it is counted.
        until(lambda: scrape(server)[REFUSED] > before[REFUSED])
        after = scrape(server)
    moved = {name: value - before[name] for name, value in after.items() if value != before[name]}
    assert moved['ebrcs_frames_total{outcome="answered"}'] == 1
    assert moved[REFUSED] == 1
    assert moved["ebrcs_answer_seconds_count"] == 1
    assert 0 < moved["ebrcs_answer_seconds_sum"] < 30
    assert moved["ebrcs_open_sockets"] == 1
    assert moved.keys() & {'ebrcs_frames_total{outcome="late"}', "ebrcs_embed_seconds_count"} == set()
    assert after['ebrcs_sessions{status="active"}'] == 1
    until(lambda: scrape(server)["ebrcs_open_sockets"] == before["ebrcs_open_sockets"])


def test_a_socket_that_is_refused_is_counted_out_again(server: Server, shopper: User, stranger: User) -> None:
    session = services.session_start(user=shopper)
    before = scrape(server)["ebrcs_open_sockets"]
    with socket_connect(server, session.pk, headers=bearer(stranger)) as client:
        assert client.close_code() == 4403
    until(lambda: scrape(server)["ebrcs_open_sockets"] == before)
