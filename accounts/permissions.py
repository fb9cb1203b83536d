"""Who may call what in the API."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User


class IsShopAdmin(BasePermission):
    """Lets admins through."""

    message = "Only an admin may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller is an admin."""
        return isinstance(request.user, User) and request.user.is_admin
