"""Signup, login, logout and token refresh over REST."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.errors import DeviceAccount
from accounts.known_devices import DEVICE_COOKIE, device_remember
from accounts.models import Store, User
from ebrcs.api.fields import StrictCharField
from ebrcs.rate_limits import client_address

PASSWORD_MAX_CHARACTERS = 128
TOKEN_MAX_CHARACTERS = 4096


class UserSerializer(serializers.ModelSerializer[User]):
    """A user's name and role."""

    class Meta:
        model = User
        fields = ["id", "username", "role"]
        read_only_fields = fields


class StoreSerializer(serializers.ModelSerializer[Store]):
    """A store's name."""

    class Meta:
        model = Store
        fields = ["id", "name"]
        read_only_fields = fields


class MeSerializer(UserSerializer):
    """The caller's own account; `store` is where a member of staff works, null for everybody else."""

    store = StoreSerializer(read_only=True, allow_null=True)

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "store"]
        read_only_fields = fields


class CredentialsSerializer(serializers.Serializer[object]):
    """A name and a password, whose spaces count."""

    username = StrictCharField(max_length=150)
    password = StrictCharField(
        max_length=PASSWORD_MAX_CHARACTERS,
        trim_whitespace=False,
        write_only=True,
        style={"input_type": "password"},
    )


class RefreshSerializer(serializers.Serializer[object]):
    """A refresh token."""

    refresh = StrictCharField(max_length=TOKEN_MAX_CHARACTERS)


class TokensSerializer(serializers.Serializer[object]):
    """A new pair of tokens."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class LoginSerializer(TokensSerializer):
    """A pair of tokens and their user."""

    user = UserSerializer()


class OpenView(APIView):
    """A view for callers without a valid token: an old one that they send is ignored."""

    permission_classes = [AllowAny]
    authentication_classes = []

    def values(self, kind: type[serializers.Serializer[object]], request: Request) -> dict[str, Any]:
        """Return the checked body."""
        body = kind(data=request.data)
        body.is_valid(raise_exception=True)
        return cast("dict[str, Any]", body.validated_data)


class SignupView(OpenView):
    """Opens accounts."""

    throttle_scope = "signup"

    @extend_schema(request=CredentialsSerializer, responses={201: UserSerializer}, operation_id="signup")
    def post(self, request: Request) -> Response:
        """Open a shopper's account; further fields, such as a role, are ignored."""
        values = self.values(CredentialsSerializer, request)
        user = services.user_signup(username=values["username"], password=values["password"])
        return Response(UserSerializer(user).data, status=status.HTTP_201_CREATED)


class LoginView(OpenView):
    """Issues a first pair of tokens."""

    @extend_schema(request=CredentialsSerializer, responses=LoginSerializer, operation_id="login")
    def post(self, request: Request) -> Response:
        """Log in; attempts are limited by address and by name.

        The cookie `device` of the answer lets its holder try again although others have used up the tries.
        """
        values = self.values(CredentialsSerializer, request)
        services.login_limit_check(
            address=client_address(request),
            username=values["username"],
            device=request.COOKIES.get(DEVICE_COOKIE, ""),
        )
        user, tokens = services.user_login(
            username=values["username"], password=values["password"], request=request._request
        )
        body = {"access": tokens.access, "refresh": tokens.refresh, "user": UserSerializer(user).data}
        answer = Response(body)
        device_remember(answer, user)
        return answer


class RefreshView(OpenView):
    """Exchanges refresh tokens."""

    throttle_scope = "refresh"

    @extend_schema(request=RefreshSerializer, responses=TokensSerializer, operation_id="token_refresh")
    def post(self, request: Request) -> Response:
        """Exchange a refresh token, once, for a new pair."""
        tokens = services.token_refresh(refresh=self.values(RefreshSerializer, request)["refresh"])
        return Response({"access": tokens.access, "refresh": tokens.refresh})


class LogoutView(OpenView):
    """Revokes tokens."""

    throttle_scope = "refresh"

    @extend_schema(
        request=RefreshSerializer,
        responses={204: OpenApiResponse(description="The refresh token is revoked.")},
        operation_id="logout",
    )
    def post(self, request: Request) -> Response:
        """Revoke a refresh token."""
        services.token_revoke(refresh=self.values(RefreshSerializer, request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    """Shows who the caller is."""

    @extend_schema(responses=MeSerializer, operation_id="me")
    def get(self, request: Request) -> Response:
        """Show the caller's own account; that of a device is nobody's."""
        if cast("User", request.user).is_device:
            raise DeviceAccount
        return Response(MeSerializer(cast("User", request.user)).data)
