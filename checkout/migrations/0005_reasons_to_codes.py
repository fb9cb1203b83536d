"""Turns stored sentences of known shapes into codes with data, and keeps all others as text."""

import re

from django.db import migrations

SHAPES = (
    (r"(?P<accepting>\d+) of (?P<views>\d+) views accept it", "views_accept"),
    (r"no product in enough of (?P<views>\d+) views", "no_product"),
    (r"(?P<products>\d+) products named in (?P<views>\d+) views, none sure", "no_product_sure"),
    (r"settled by a closer look; (?P<because>.+)", "verified"),
    (r"left open by a closer look; (?P<because>.+)", "verification_undecided"),
    (r"it lies in view; (?P<because>.+)", "lies_in_view"),
    (r"it moved in", "moved_in"),
    (r"it moved out", "moved_out"),
    (r"it was taken out of view", "taken_away"),
    (r"barcode (?P<barcode>\S+)", "barcode"),
    (r"chosen by the shopper", "chosen"),
    (r"corrected by the shopper", "corrected"),
    (r"set by hand", "set_by_hand"),
    (r"add taken back", "add_undone"),
    (r"remove taken back", "remove_undone"),
    (r"correct taken back", "correct_undone"),
)


def reason_of(sentence):
    """Return the code and data of a sentence, None where its shape, or that of a part of it, is not known."""
    for shape, code in SHAPES:
        found = re.fullmatch(shape, sentence)
        if found is None:
            continue
        params = {}
        for name, value in found.groupdict().items():
            if name == "because":
                value = reason_of(value)
                if value is None:
                    return None
            params[name] = int(value) if name in {"accepting", "views", "products"} else value
        return {"code": code, "params": params}
    return None


def reasons_to_codes(apps, schema_editor):
    """Rewrite each different sentence once, however many events it stands in."""
    events = apps.get_model("checkout", "ScanEvent").objects.using(schema_editor.connection.alias)
    sentences = events.exclude(reason_text="").order_by("reason_text").values_list("reason_text", flat=True)
    for sentence in sentences.distinct():
        events.filter(reason_text=sentence).update(reason=reason_of(sentence) or {"text": sentence})


class Migration(migrations.Migration):
    dependencies = [("checkout", "0004_reason_codes")]

    operations = [migrations.RunPython(reasons_to_codes, migrations.RunPython.noop, elidable=True)]
