"""Lanes over REST: pairing, tokens, settings, and the end of a visit."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import OpenView, TokensSerializer
from accounts.services import tokens_issue
from checkout.errors import LaneKeyRefused, NotALane
from checkout.lanes.pairing import lane_by_key, lane_pair
from checkout.lanes.selectors import lane_info, lane_of
from checkout.lanes.serializers import (
    KeySerializer,
    LaneSerializer,
    PairedSerializer,
    PairingSerializer,
    VisitEndSerializer,
    VisitSerializer,
)
from checkout.lanes.visits import lane_visit_end
from checkout.models import Lane
from ebrcs.rate_limits import client_address


class LaneApiView(APIView):
    """A view for accounts of lanes; others are refused.

    Attributes
    ----------
    lane : the caller's, with its store
    """

    lane: Lane

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find the caller's lane; a method that is not offered is refused as such."""
        super().initial(request, *args, **kwargs)
        if str(request.method) not in self.allowed_methods:
            return
        lane = lane_of(request.user)
        if lane is None:
            raise NotALane
        self.lane = lane


class PairView(OpenView):
    """Pairs devices."""

    @extend_schema(request=PairingSerializer, responses={201: PairedSerializer}, operation_id="lane_pair")
    def post(self, request: Request) -> Response:
        """Become the lane of a code; tries are limited by address.

        The key holds until it is revoked or another device is paired.
        """
        code = self.values(PairingSerializer, request)["code"]
        lane, key = lane_pair(code=code, address=client_address(request))
        return Response({"lane": lane_info(lane), "key": key}, status=status.HTTP_201_CREATED)


class LaneTokenView(OpenView):
    """Logs lanes in."""

    throttle_scope = "refresh"

    @extend_schema(request=KeySerializer, responses=TokensSerializer, operation_id="lane_token")
    def post(self, request: Request) -> Response:
        """Get a pair of tokens of the lane's account for its key."""
        lane = lane_by_key(self.values(KeySerializer, request)["key"])
        if lane is None:
            raise LaneKeyRefused
        tokens = tokens_issue(lane.account)
        return Response({"access": tokens.access, "refresh": tokens.refresh})


class LaneView(LaneApiView):
    """Shows the lane."""

    @extend_schema(responses=LaneSerializer, operation_id="lane_get")
    def get(self, request: Request) -> Response:
        """Show the caller's lane and its settings."""
        return Response(lane_info(self.lane))


class VisitEndView(LaneApiView):
    """Ends visits."""

    throttle_scope = "session"

    @extend_schema(request=VisitEndSerializer, responses=VisitSerializer, operation_id="lane_visit_end")
    def post(self, request: Request) -> Response:
        """End the active visit of the lane without an order, and get the next one."""
        body = VisitEndSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        visit = lane_visit_end(lane=self.lane, reason=body.validated_data["reason"])
        return Response({"session_id": str(visit.pk)})
