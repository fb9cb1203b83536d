from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import migrations

FIRST_STORE_ID = UUID("00000000-0000-4000-8000-000000000001")


def store_make(apps: Any, schema_editor: Any) -> None:
    apps.get_model("accounts", "Store").objects.get_or_create(
        pk=FIRST_STORE_ID,
        defaults={
            "name": settings.STORE_NAME,
            "currency": settings.CURRENCY,
            "time_zone": settings.TIME_ZONE,
            "language": settings.LANGUAGE_CODE,
        },
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_stores_and_staff")]
    operations = [migrations.RunPython(store_make, migrations.RunPython.noop)]
