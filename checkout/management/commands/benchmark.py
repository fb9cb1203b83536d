"""`manage.py benchmark`: how fast the parts are on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recognition.vision.encoders.errors import EncoderError

Measured = dict[str, Any]


class Command(BaseCommand):
    help = "Benchmark the index, the encoders or whole checkouts on this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        subjects = parser.add_subparsers(dest="subject", required=True, metavar="SUBJECT")
        index = subjects.add_parser("index", help="time appends, rebuilds, searches and blocked readers")
        index.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], metavar="ROWS")
        index.set_defaults(measure=self._index)
        encoder = subjects.add_parser("encoder", help="measure throughput in images per second")
        encoder.add_argument("names", nargs="*", default=["auto"], metavar="NAME")
        encoder.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16], metavar="PICTURES")
        encoder.set_defaults(measure=self._encoder)
        stream = subjects.add_parser("stream", help="time frames to results, against a naive baseline")
        stream.add_argument("--encoder", default="compact", metavar="NAME")
        stream.add_argument("--streams", type=int, nargs="+", default=[1, 8], metavar="CAMERAS")
        stream.set_defaults(measure=self._stream)
        for subject in subjects.choices.values():
            subject.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        measure: Callable[[dict[str, Any]], Measured] = options["measure"]
        for name in ("sizes", "batches", "streams"):
            if min(options.get(name, []), default=1) < 1:
                raise CommandError(f"--{name} have to be 1 or more.")
        try:
            measured = measure(options)
        except EncoderError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(measured))
            return
        for name, value in measured.items():
            rows = value if isinstance(value, list) else [value]
            self.stdout.write(f"{name}: " + "\n  ".join(_line(row) for row in rows))

    def _index(self, options: dict[str, Any]) -> Measured:
        from recognition.vision.evaluation.index_benchmark import benchmark_index

        return benchmark_index(options["sizes"], report=self.stderr.write)

    def _encoder(self, options: dict[str, Any]) -> Measured:
        from recognition.vision.evaluation.encoder_benchmark import benchmark_encoder

        return benchmark_encoder(options["names"], batches=options["batches"], models_dir=settings.MODELS_DIR)

    def _stream(self, options: dict[str, Any]) -> Measured:
        from checkout.tools.stream_benchmark import benchmark_stream
        from recognition.vision.encoders.registry import load

        encoder = load(options["encoder"], models_dir=settings.MODELS_DIR)
        return benchmark_stream(encoder, streams=options["streams"], report=self.stderr.write)


def _line(row: Any) -> str:
    if not isinstance(row, dict):
        return f"{row:.3f}" if isinstance(row, float) else str(row)
    return ", ".join(f"{name} {_line(value)}" for name, value in row.items())
