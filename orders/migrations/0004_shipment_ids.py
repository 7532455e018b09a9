"""An id that the shop gave out again belongs to the shipment that has it now."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_lists")]

    operations = [
        migrations.RemoveConstraint(model_name="shipment", name="shipment_once"),
        migrations.AddConstraint(
            model_name="shipment",
            constraint=models.UniqueConstraint(
                condition=models.Q(models.Q(("external_id", ""), _negated=True), ("withdrawn_at", None)),
                fields=("integration", "shop", "external_id"),
                name="shipment_once",
            ),
        ),
    ]
