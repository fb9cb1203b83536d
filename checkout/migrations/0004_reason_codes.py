"""Room for reasons as codes with data, beside the sentences that were stored before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("checkout", "0003_answer_times")]

    operations = [
        migrations.RenameField("scanevent", "reason", "reason_text"),
        migrations.AddField(
            "scanevent", "reason", models.JSONField(blank=True, null=True, verbose_name="reason")
        ),
    ]
