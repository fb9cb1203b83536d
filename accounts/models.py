"""Stores, and users with their roles: shoppers, staff and admins."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import IntegrityError, models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.names import one_alphabet_validate, skeleton_digest

LOGO_FOLDER = "stores"
FIRST_STAFF_NUMBER = 101
STAFF_NUMBER_TRIES = 20


class Store(models.Model):
    """A shop at one place: what stands on its pages and receipts, and where its lanes and staff belong.

    `opening_hours` maps days ("mon" to "sun") to an opening and a closing time ("08:00", "22:00"); a day that
    is missing is closed, and an empty mapping means always open.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    address = models.TextField(_("address"), blank=True)
    business_number = models.CharField(_("business number"), max_length=40, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    time_zone = models.CharField(_("time zone"), max_length=64)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES)
    logo = models.FileField(_("logo"), upload_to=LOGO_FOLDER, blank=True)
    receipt_footer = models.TextField(_("receipt footer"), blank=True)
    opening_hours = models.JSONField(_("opening hours"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        db_table = "stores"
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering = ["created_at", "id"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="accounts_store_name_not_blank")]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Creates users; without a role they are shoppers."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Create and store a user with a hashed password; None never matches."""
        username = self.model.normalize_username(username)
        if "name_skeleton" not in fields and not self.looks_taken(username):
            fields["name_skeleton"] = skeleton_digest(username)
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Create and store an admin."""
        return self.create_user(username, password, **{**fields, "role": User.Role.ADMIN})

    def looks_taken(self, username: str, *, but: User | None = None) -> bool:
        """Whether an account, other than the one left out, has this name or one that looks the same."""
        same = Q(username__iexact=username) | Q(name_skeleton=skeleton_digest(username))
        others = self.exclude(pk=but.pk) if but else self.all()
        return others.filter(same).exists()

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user who logs in, in any letter case, by the same rule that makes names unique."""
        lowered = Lower(Value(self.model.normalize_username(username or "")))
        return self.alias(username_lowered=Lower("username")).get(username_lowered=lowered)


class User(AbstractBaseUser):
    """A shopper, a member of staff of a store, or an admin, who may also enter Django admin.

    An account of a device (`is_device`) is used by one shopper after another: it shows nobody what others
    bought, and nobody logs in to it by a password. Staff identify at a lane by `staff_number`, which is given
    out once and kept, and by a PIN, of which `pin` is the hash; empty for none. Whoever changes roles, or is
    shut out, has no PIN any more.

    `name_skeleton` belongs to the first of all accounts whose names look alike. It is null for the others:
    those that are older than the rule, and those that an operator made by a command.
    """

    class Role(models.TextChoices):
        USER = "user", _("shopper")
        STAFF = "staff", _("staff")
        ADMIN = "admin", _("admin")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        _("username"),
        max_length=150,
        unique=True,
        validators=[UnicodeUsernameValidator(), one_alphabet_validate],
    )
    name_skeleton = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    password = models.CharField(_("password"), max_length=128, db_column="password_hash")
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.USER)
    is_active = models.BooleanField(_("can log in"), default=True)
    store = models.ForeignKey(
        Store,
        verbose_name=_("store"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="users",
        help_text=_("Where a member of staff works; empty for admins: all stores."),
    )
    staff_number = models.PositiveIntegerField(
        _("staff number"), unique=True, null=True, blank=True, editable=False
    )
    pin = models.CharField(max_length=128, blank=True, db_default="", editable=False)
    is_device = models.BooleanField(_("account of a device"), default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "users"
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(Lower("username"), name="accounts_user_username_unique_without_case"),
            models.CheckConstraint(condition=~Q(username=""), name="accounts_user_username_not_blank"),
            models.CheckConstraint(
                condition=Q(role__in=["user", "staff", "admin"]), name="accounts_user_role_known"
            ),
            models.CheckConstraint(
                condition=~Q(role="staff") | Q(store__isnull=False), name="accounts_user_staff_of_a_store"
            ),
            models.CheckConstraint(
                condition=Q(is_device=False) | Q(role="user"), name="accounts_user_device_is_no_staff"
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *, update_fields: Collection[str] | None = None, **options: Any) -> None:  # type: ignore[override]
        """Save; a PIN ends with the role it was set in, and a member of staff gets a number."""
        changed = set(update_fields or ())
        if self._pin_has_ended(update_fields):
            self.pin = ""
            changed.add("pin")
        numbered = self.role == self.Role.STAFF and self.staff_number is None
        if numbered:
            changed.add("staff_number")
        # None stands for all fields, and an empty list for nothing to save.
        fields = changed if update_fields else update_fields
        if numbered:
            self._save_numbered(update_fields=fields, **options)
        else:
            super().save(update_fields=fields, **options)

    def _pin_has_ended(self, update_fields: Collection[str] | None) -> bool:
        if not self.pin or not self.helps_shoppers:
            return bool(self.pin)
        if update_fields is not None and "role" not in update_fields:
            return False
        stored_role = User.objects.filter(pk=self.pk).values_list("role", flat=True).first()
        return stored_role not in (None, self.role)

    def _save_numbered(self, **options: Any) -> None:
        """Save with the next staff number; of several callers at once, each gets its own."""
        for _try in range(STAFF_NUMBER_TRIES):
            self.staff_number = staff_number_next()
            try:
                with transaction.atomic():
                    return super().save(**options)
            except IntegrityError:
                if not User.objects.filter(staff_number=self.staff_number).exists():
                    self.staff_number = None
                    raise
        self.staff_number = None
        raise IntegrityError(f"no free staff number found in {STAFF_NUMBER_TRIES} tries")

    def staff_number_assign(self) -> None:
        """Store a staff number for a user who has none."""
        if self.staff_number is None:
            self._save_numbered(update_fields=["staff_number"])

    def set_password(self, raw_password: str | None) -> None:
        """Set a password; the account of a device gets none that matches anything."""
        super().set_password(None if self.is_device else raw_password)

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password; for the account of a device, nothing is."""
        return super().check_password(raw_password) and not self.is_device

    @property
    def is_admin(self) -> bool:
        """Whether the user manages the shop."""
        return self.is_active and self.role == self.Role.ADMIN

    @property
    def helps_shoppers(self) -> bool:
        """Whether the user may enter the staff console: members of staff, and admins."""
        return self.is_active and self.role in (self.Role.STAFF, self.Role.ADMIN)

    def works_at(self, store_id: uuid.UUID) -> bool:
        """Whether the user may help at the lanes of a store; an admin without a store may at all of them."""
        if not self.helps_shoppers:
            return False
        return self.store_id == store_id or (self.is_admin and self.store_id is None)

    @property
    def is_staff(self) -> bool:
        """Whether the user may enter Django admin: exactly the admins may."""
        return self.is_admin

    @property
    def is_superuser(self) -> bool:
        """Admins may do everything Django admin offers."""
        return self.is_admin

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Admins hold every permission, shoppers none."""
        return self.is_admin

    def has_perms(self, perm_list: list[str], obj: models.Model | None = None) -> bool:
        """Admins hold every permission, shoppers none."""
        return self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        """Admins see every app in Django admin, shoppers none."""
        return self.is_admin


def staff_number_next() -> int:
    """Return the number after the highest that was given out."""
    highest = User.objects.aggregate(highest=models.Max("staff_number"))["highest"]
    return FIRST_STAFF_NUMBER if highest is None else int(highest) + 1
