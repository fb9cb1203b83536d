"""Gives every account the skeleton of its name, unless an older one, or an admin, has the same."""

from django.db import migrations

from accounts.names import skeleton_digest


def skeletons_fill(apps, schema_editor):
    """Fill the column: admins first, then by age; an account that comes too late keeps its name."""
    User = apps.get_model("accounts", "User")
    taken = set()
    found = []
    for user in User.objects.order_by("role", "created_at", "pk").only("pk", "username"):
        digest = skeleton_digest(user.username)
        if digest not in taken:
            taken.add(digest)
            user.name_skeleton = digest
            found.append(user)
    User.objects.bulk_update(found, ["name_skeleton"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_look_alike_names")]

    operations = [migrations.RunPython(skeletons_fill, migrations.RunPython.noop)]
