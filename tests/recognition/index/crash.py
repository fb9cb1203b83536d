"""Kills a registering process at random moments and looks whether the shop still adds up.

`python -m tests.recognition.index.crash --trials 1000` runs it against the database of the environment,
which has to be empty and migrated. Django is loaded once; each trial forks a process that registers product
after product, acknowledges each on a pipe, and is killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402

import recognition.engine.gallery  # noqa: E402, F401 - loaded before the fork, once for all trials
from catalog.models import Product, ProductImage  # noqa: E402
from recognition import services  # noqa: E402
from recognition.engine import shared  # noqa: E402
from recognition.engine.engine import Engine  # noqa: E402
from recognition.index.verify import index_verify  # noqa: E402
from recognition.index.writer_lock import IndexWriter  # noqa: E402
from recognition.models import IndexState  # noqa: E402
from recognition.services import registration  # noqa: E402
from tests.fakes import ThumbnailEncoder  # noqa: E402
from tests.recognition.pictures import upload  # noqa: E402

LIFE_REGISTRATIONS = 2
# Of the first life; the machine may be slower later, and some of the lives have to register something.
LONGEST_LIFE_SHARE = 1.5
TRIALS_PER_CHECK = 10


class RegisteringEngine(Engine):
    """An engine that only embeds: what is recognized is not the question here."""

    def start(self) -> None:
        self.keeper.start()
        self._batcher.start()


@dataclass
class Result:
    """What came of the trials; `damage` has to be empty."""

    trials: int = 0
    acknowledged: int = 0
    registered: int = 0
    orphans: int = 0
    seconds: float = 0.0
    damage: list[str] = field(default_factory=list)


@contextmanager
def unlocked() -> Iterator[IndexWriter]:
    """Hand out numbers without lock or transaction."""
    state, _ = IndexState.objects.get_or_create(pk=1)
    writer = IndexWriter(state)
    yield writer
    state.save()


def register_for_ever(trial: int, pipe: int, *, protected: bool) -> None:
    """Register products of one to three photos, each named by its trial, number and count of photos."""
    if not protected:
        patch.multiple(
            registration,
            writer_lock=unlocked,
            transaction=SimpleNamespace(atomic=nullcontext),
            index_changed=lambda *, seq: None,
        ).start()
    engine = RegisteringEngine(load=lambda name: ThumbnailEncoder())
    engine.start()
    shared.engine_use(engine)
    engine.encoder_identity()
    os.write(pipe, b"ready\n")
    for number in range(1_000):
        count = 1 + number % 3
        first_photo = 10_000 * trial + 3 * number
        uploads = [upload(first_photo + position) for position in range(count)]
        made = services.product_register(name=f"{trial}-{number}-{count}", uploads=uploads)
        acknowledgement = f"{made.product.pk} {' '.join(str(image.pk) for image in made.images)}\n"
        os.write(pipe, acknowledgement.encode())


@dataclass
class Trial:
    """One life of a registering process: how long it was, and each acknowledged product with its photos."""

    life_s: float
    acknowledged: list[list[str]]


def trial_run(trial: int, *, protected: bool, longest_life_s: float | None = None) -> Trial:
    """Let one process register until it is killed: at a random moment, or after its first registrations."""
    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            register_for_ever(trial, writing, protected=protected)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.readline() == "ready\n", "the registering process did not come up"
        start = time.monotonic()
        lines = []
        if longest_life_s is None:
            lines = [pipe.readline() for _ in range(LIFE_REGISTRATIONS)]
        else:
            time.sleep(random.uniform(0.0, longest_life_s))
        life_s = time.monotonic() - start
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines += pipe
        return Trial(life_s, [line.split() for line in lines if line.endswith("\n")])


def damage_find(acknowledged: list[list[str]]) -> list[str]:
    """Return whatever is lost or half there."""
    damage = []
    photos = dict.fromkeys(map(str, Product.objects.values_list("pk", flat=True)), 0)
    for product_id in ProductImage.objects.values_list("product_id", flat=True):
        photos[str(product_id)] += 1
    stored = set(map(str, ProductImage.objects.values_list("pk", flat=True)))
    for promised_id, *image_ids in acknowledged:
        if promised_id not in photos or not stored.issuperset(image_ids):
            damage.append(f"acknowledged product {promised_id} is lost")
    for product_id, name in Product.objects.values_list("pk", "name"):
        if photos[str(product_id)] != int(name.rsplit("-", 1)[1]):
            damage.append(f"product {name} has {photos[str(product_id)]} photos")
    return damage + index_verify().damage


def trials_run(trials: int, *, protected: bool = True, seed: int | None = None) -> Result:
    """Run trials until they are done or damage is found.

    The first tells how long registrations take on this machine now, and so when to kill the others.
    """
    random.seed(seed)
    result = Result()
    start = time.monotonic()
    first = trial_run(trials, protected=protected)
    acknowledged = first.acknowledged
    for trial in range(trials):
        acknowledged += trial_run(
            trial, protected=protected, longest_life_s=LONGEST_LIFE_SHARE * first.life_s
        ).acknowledged
        result.trials += 1
        if result.trials % TRIALS_PER_CHECK == 0 or result.trials == trials:
            result.damage = damage_find(acknowledged)
            if result.damage:
                break
    result.acknowledged, result.registered = len(acknowledged), Product.objects.count()
    result.orphans = len(index_verify(young_s=0, remove_orphans=True).orphans)
    result.seconds = round(time.monotonic() - start, 1)
    left = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    if len(left) != ProductImage.objects.count():
        result.damage.append(f"{len(left)} files for {ProductImage.objects.count()} photos")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--unprotected", action="store_true", help="without transaction and lock, as a control"
    )
    options = parser.parse_args()
    result = trials_run(options.trials, protected=not options.unprotected, seed=options.seed)
    sys.stdout.write(json.dumps(asdict(result)) + "\n")
    sys.exit(1 if result.damage else 0)


if __name__ == "__main__":
    main()
