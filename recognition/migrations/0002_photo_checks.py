"""Room for what stored photos were judged to be."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Create the table."""

    dependencies = [
        ("catalog", "0002_barcode_number_unique"),
        ("recognition", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PhotoCheck",
            fields=[
                (
                    "product_image",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="photo_check",
                        serialize=False,
                        to="catalog.productimage",
                    ),
                ),
                ("faults", models.CharField(blank=True, max_length=100)),
                ("picture_hash", models.BigIntegerField()),
                ("version", models.PositiveSmallIntegerField()),
            ],
            options={
                "verbose_name": "photo check",
                "verbose_name_plural": "photo checks",
                "db_table": "photo_checks",
            },
        ),
    ]
