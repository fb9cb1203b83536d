"""`manage.py benchmark` refuses what cannot be measured."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("index", "--sizes", "0"), "must be 1 or more"),
        (("encoder", "--batches", "4", "-1"), "must be 1 or more"),
        (("stream", "--streams", "0"), "must be 1 or more"),
        (("stream", "--encoder", "dinov2"), "there is no encoder 'dinov2'"),
        (("encoder", "dinov2"), "there is no encoder 'dinov2'"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: tuple[str, ...], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        call_command("benchmark", *arguments)
