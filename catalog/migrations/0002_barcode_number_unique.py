"""A product number belongs to one product, with or without the zeros in front."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.models.functions import Concat, Right


class Migration(migrations.Migration):
    dependencies: ClassVar = [("catalog", "0001_initial")]

    operations: ClassVar = [
        migrations.AddConstraint(
            model_name="product",
            constraint=models.UniqueConstraint(
                Right(Concat(models.Value("000000"), models.F("barcode")), 14),
                condition=models.Q(barcode__isnull=False),
                name="catalog_product_barcode_number_unique",
            ),
        ),
    ]
