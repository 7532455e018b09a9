from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0002_channels'),
    ]

    operations = [
        migrations.AddField(
            model_name='integration',
            name='warehouses_undecided',
            field=models.JSONField(blank=True, default=list, verbose_name='warehouses met since that choice'),
        ),
    ]
