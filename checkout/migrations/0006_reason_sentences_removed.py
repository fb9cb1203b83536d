"""The sentences are codes with data now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("checkout", "0005_reasons_to_codes")]

    operations = [migrations.RemoveField("scanevent", "reason_text")]
