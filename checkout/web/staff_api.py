"""Lanes and alerts for members of staff over REST, and what they do at a lane after their PIN."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from checkout.cart.selectors import cart_get
from checkout.errors import NoPicture, NotStaff
from checkout.lanes.alerts import alert_acknowledge, alert_resolve
from checkout.lanes.api import LaneApiView
from checkout.lanes.pairing import CODE_LIFETIME, pairing_code_make
from checkout.lanes.pictures import picture_get
from checkout.lanes.selectors import LaneInfo, lane_info, lane_session
from checkout.lanes.serializers import LaneSerializer
from checkout.lanes.services import lane_settings_change
from checkout.staff.actions import action_do, lane_get
from checkout.staff.commands import action_parse
from checkout.staff.selectors import console_get, lane_picture
from checkout.staff.unlocks import UNLOCKED_S, lane_lock, lane_unlock, unlocked_by
from checkout.web.staff_serializers import (
    AlertListSerializer,
    AtDeviceSerializer,
    CartSetSerializer,
    ChangedCartSerializer,
    GiveUpSerializer,
    LaneListSerializer,
    LaneSettingsSerializer,
    PairingCodeSerializer,
    PinSerializer,
    ResolveAsBarcodeSerializer,
    ResolveAsProductSerializer,
    UnlockedSerializer,
)
from orders.qr import qr_svg

JPEG = {(200, "image/jpeg"): OpenApiTypes.BINARY}


class StaffView(APIView):
    """A view for members of staff and admins."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse everybody else."""
        super().initial(request, *args, **kwargs)
        if not self.staff.helps_shoppers:
            raise NotStaff

    @property
    def staff(self) -> User:
        """Who asks."""
        return cast("User", self.request.user)


class StaffLanesView(StaffView):
    """Lists lanes."""

    @extend_schema(responses=LaneListSerializer, operation_id="staff_lanes")
    def get(self, request: Request) -> Response:
        """List the lanes of your store with their visits; admins without a store see all stores."""
        return Response({"lanes": console_get(user=self.staff)["lanes"]})


class StaffAlertsView(StaffView):
    """Lists alerts."""

    @extend_schema(responses=AlertListSerializer, operation_id="staff_alerts")
    def get(self, request: Request) -> Response:
        """List the alerts that are not over, the oldest first."""
        return Response({"alerts": console_get(user=self.staff)["alerts"]})


class AlertAcknowledgeView(StaffView):
    """Takes alerts."""

    @extend_schema(
        request=None,
        responses={204: OpenApiResponse(description="You have it.")},
        operation_id="staff_alert_acknowledge",
    )
    def post(self, request: Request, alert_id: UUID) -> Response:
        """Take an alert; 409 with `by` where someone else has it."""
        alert_acknowledge(alert_id=alert_id, by=self.staff)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AlertResolveView(StaffView):
    """Ends alerts."""

    @extend_schema(
        request=None,
        responses={204: OpenApiResponse(description="The alert is over.")},
        operation_id="staff_alert_resolve",
    )
    def post(self, request: Request, alert_id: UUID) -> Response:
        """Say that an alert is over."""
        alert_resolve(alert_id=alert_id, by=self.staff)
        return Response(status=status.HTTP_204_NO_CONTENT)


class StaffPictureView(StaffView):
    """Shows the live picture of a lane where WebRTC finds no way."""

    @extend_schema(responses=JPEG, operation_id="staff_lane_picture")
    def get(self, request: Request, lane_id: UUID) -> HttpResponse:
        """Show the newest picture of a lane that is watched by pictures; 404 without one of the last 5 s."""
        lane = lane_get(lane_id=lane_id, by=self.staff)
        picture = picture_get(lane.pk)
        if picture is None:
            raise NoPicture(f"Lane {lane_id} has sent no picture lately; it sends them while it is watched.")
        return HttpResponse(picture, content_type="image/jpeg")


class StaffEventPictureView(StaffView):
    """Shows a picture of an item."""

    @extend_schema(responses=JPEG, operation_id="staff_lane_event_picture")
    def get(self, request: Request, lane_id: UUID, event_id: UUID) -> HttpResponse:
        """Show what the camera of a lane saw of an item."""
        lane = lane_get(lane_id=lane_id, by=self.staff)
        return HttpResponse(lane_picture(lane_id=lane.pk, event_id=event_id), content_type="image/jpeg")


class StaffPairingView(StaffView):
    """Makes pairing codes."""

    @extend_schema(request=None, responses={201: PairingCodeSerializer}, operation_id="staff_lane_pairing")
    def post(self, request: Request, lane_id: UUID) -> Response:
        """Make a code by which one device becomes the lane within ten minutes; older codes are void."""
        lane = lane_get(lane_id=lane_id, by=self.staff)
        code = pairing_code_make(lane=lane, by=self.staff)
        address = request.build_absolute_uri(f"{reverse('lane-pair')}?{urlencode({'code': code})}")
        body = {"code": code, "expires_at": timezone.now() + CODE_LIFETIME, "qr_svg": qr_svg(address)}
        return Response(body, status=status.HTTP_201_CREATED)


class LaneUnlockView(LaneApiView):
    """A view for the page of a lane at which a member of staff stands."""

    @property
    def member(self) -> User:
        """Who has unlocked the lane, or `LaneLocked`."""
        return unlocked_by(lane=self.lane, session=self.request.session)


class UnlockView(LaneUnlockView):
    """Unlocks lanes."""

    @extend_schema(request=PinSerializer, responses=UnlockedSerializer, operation_id="lane_unlock")
    def post(self, request: Request) -> Response:
        """Unlock the lane by staff number and PIN, for two minutes from the last use and this visit."""
        body = PinSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        staff = lane_unlock(lane=self.lane, session=request.session, **body.validated_data)
        return Response({"staff": {"name": staff.username}, "expires_in_s": UNLOCKED_S})


class LockView(LaneUnlockView):
    """Locks lanes."""

    @extend_schema(
        request=None,
        responses={204: OpenApiResponse(description="The lane is locked.")},
        operation_id="lane_lock",
    )
    def post(self, request: Request) -> Response:
        """Lock the lane."""
        lane_lock(session=request.session)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ActionsView(LaneUnlockView):
    """Carries out what staff want at the lane."""

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="StaffAction",
            serializers=[
                CartSetSerializer,
                ResolveAsProductSerializer,
                ResolveAsBarcodeSerializer,
                GiveUpSerializer,
                AtDeviceSerializer,
            ],
            resource_type_field_name=None,
        ),
        responses=ChangedCartSerializer,
        operation_id="lane_action",
    )
    def post(self, request: Request) -> Response:
        """Change the cart or the device as the member of staff who unlocked the lane."""
        fields = request.data if isinstance(request.data, dict) else {}
        by = self.member
        action_do(lane=self.lane, by=by, action=action_parse(fields.get("action"), fields))
        visit = lane_session(self.lane)
        return Response({"cart": None if visit is None else cart_get(session_id=visit.pk)})


class LaneSettingsView(LaneUnlockView):
    """Changes settings of the lane."""

    @extend_schema(request=LaneSettingsSerializer, responses=LaneSerializer, operation_id="lane_settings")
    def patch(self, request: Request) -> Response:
        """Change settings of the device as the member of staff who unlocked the lane."""
        by = self.member
        body = LaneSettingsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        lane: LaneInfo = lane_info(lane_settings_change(lane=self.lane, by=by, **body.validated_data))
        return Response(lane)
