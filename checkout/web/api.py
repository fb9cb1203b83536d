"""Checkout sessions and their carts over REST."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.browsers import browser_known
from accounts.logins import login_of
from accounts.models import User
from checkout.cart import items, selectors, services, sessions, unresolved
from checkout.cart.scan_events import staff_cause
from checkout.errors import SessionElsewhere
from checkout.lanes.selectors import lane_of
from checkout.lanes.visits import lane_visit
from checkout.live import tickets
from checkout.models import CheckoutSession
from checkout.web.serializers import (
    CartSerializer,
    ConfirmationSerializer,
    DismissSerializer,
    ExpectationSerializer,
    QuantitySerializer,
    ResolveByBarcodeSerializer,
    ResolveByProductSerializer,
    SessionSerializer,
    TicketSerializer,
)


class OwnSessionView(APIView):
    """A view on one session of the caller's own."""

    def own_session(self, request: Request, session_id: UUID) -> CheckoutSession:
        """Return the session, ended if it was idle for too long; someone else's is answered with 404.

        A page whose visit goes on in another browser is refused; other programs belong to no browser.
        """
        user = cast("User", request.user)
        session = selectors.session_get(user=user, session_id=session_id)
        if request.auth is None and session.browser not in ("", browser_known(request.session)):
            raise SessionElsewhere(session_id=session_id)
        return services.session_current(session=session)

    def session_for_staff_too(self, request: Request, session_id: UUID) -> CheckoutSession:
        """Return the session, of whichever shopper for admins, and for staff of the store of its lane."""
        user = cast("User", request.user)
        if not user.helps_shoppers:
            return self.own_session(request, session_id)
        session = selectors.session_find(session_id=session_id)
        if not (user.is_admin or self.is_helped_by(user, session)):
            return self.own_session(request, session_id)
        return services.session_current(session=session)

    @staticmethod
    def is_helped_by(user: User, session: CheckoutSession) -> bool:
        """Whether a session is a visit of a lane at which the user works."""
        return session.lane is not None and user.works_at(session.lane.store_id)


class SessionListView(APIView):
    """Starts sessions."""

    throttle_scope = "session"

    @extend_schema(request=None, responses={201: SessionSerializer}, operation_id="session_start")
    def post(self, request: Request) -> Response:
        """Start a session with an empty cart; a lane has one at a time, and is given the one it has."""
        user = cast("User", request.user)
        lane = lane_of(user)
        session = services.session_start(user=user) if lane is None else lane_visit(lane=lane)
        return Response(selectors.session_info(session=session), status=status.HTTP_201_CREATED)


class SessionDetailView(OwnSessionView):
    """Shows and cancels a session."""

    @extend_schema(responses=SessionSerializer, operation_id="session_get")
    def get(self, request: Request, session_id: UUID) -> Response:
        """Show one of your sessions."""
        return Response(selectors.session_info(session=self.own_session(request, session_id)))

    @extend_schema(
        responses={204: OpenApiResponse(description="The session has ended without an order.")},
        operation_id="session_cancel",
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End a session without an order; one that became an order is refused."""
        services.session_cancel(session_id=self.own_session(request, session_id).pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TicketView(OwnSessionView):
    """Issues tickets for the socket."""

    throttle_scope = "ticket"

    @extend_schema(request=None, responses={201: TicketSerializer}, operation_id="session_ticket")
    def post(self, request: Request, session_id: UUID) -> Response:
        """Get a single-use ticket for the socket, valid for 30 seconds."""
        session = self.own_session(request, session_id)
        sessions.active_check(session)
        session_key = None if request.auth else request.session.session_key
        login = login_of(cast("User", request.user), session_key=session_key, token=request.auth)
        ticket = tickets.ticket_issue(login=login, session_id=session_id)
        body = {"ticket": ticket, "expires_in": tickets.TICKET_LIFETIME_S}
        return Response(body, status=status.HTTP_201_CREATED)


class BillingView(OwnSessionView):
    """Shows the cart."""

    @extend_schema(responses=CartSerializer, operation_id="billing_get")
    def get(self, request: Request, session_id: UUID) -> Response:
        """Show the cart."""
        return Response(selectors.cart_get(session_id=self.own_session(request, session_id).pk))


class BillingItemView(OwnSessionView):
    """Changes one line of the cart."""

    @extend_schema(request=QuantitySerializer, responses=CartSerializer, operation_id="billing_item_set")
    def put(self, request: Request, session_id: UUID, product_id: UUID) -> Response:
        """Set how many pieces of a product are in the cart."""
        session = self.own_session(request, session_id)
        body = QuantitySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        items.item_set(session_id=session.pk, product_id=product_id, quantity=body.validated_data["quantity"])
        return Response(selectors.cart_get(session_id=session.pk))


class UnresolvedResolveView(OwnSessionView):
    """Adds an unresolved item to the cart."""

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="Resolve",
            serializers=[ResolveByProductSerializer, ResolveByBarcodeSerializer],
            resource_type_field_name=None,
        ),
        responses=CartSerializer,
        operation_id="unresolved_resolve",
    )
    def post(self, request: Request, session_id: UUID, unresolved_id: UUID) -> Response:
        """Add an unresolved item as a product, or as the one with a barcode."""
        session = self.own_session(request, session_id)
        fields = request.data if isinstance(request.data, dict) else {}
        if "product_id" in fields and "code" in fields:
            raise ValidationError("Either product_id or code is allowed, not both.")
        if "code" in fields:
            barcode = ResolveByBarcodeSerializer(data=request.data)
            barcode.is_valid(raise_exception=True)
            unresolved.unresolved_resolve_by_barcode(
                session_id=session.pk, unresolved_id=unresolved_id, code=barcode.validated_data["code"]
            )
        else:
            product = ResolveByProductSerializer(data=request.data)
            product.is_valid(raise_exception=True)
            unresolved.unresolved_resolve(
                session_id=session.pk,
                unresolved_id=unresolved_id,
                product_id=product.validated_data["product_id"],
            )
        return Response(selectors.cart_get(session_id=session.pk))


class UnresolvedDismissView(OwnSessionView):
    """Gives an unresolved item up."""

    @extend_schema(request=DismissSerializer, responses=CartSerializer, operation_id="unresolved_dismiss")
    def post(self, request: Request, session_id: UUID, unresolved_id: UUID) -> Response:
        """Give an unresolved item up; staff may do so at a lane of their store, admins anywhere."""
        session = self.session_for_staff_too(request, session_id)
        user = cast("User", request.user)
        by_staff = user.is_admin or self.is_helped_by(user, session)
        body = DismissSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        unresolved.unresolved_dismiss(
            session_id=session.pk,
            unresolved_id=unresolved_id,
            reason=body.validated_data["reason"],
            by_staff=by_staff,
            cause=staff_cause(actor=user) if by_staff and user.pk != session.user_id else None,
        )
        return Response(selectors.cart_get(session_id=session.pk))


class UnresolvedPictureView(OwnSessionView):
    """Shows what the camera saw of an unresolved item."""

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY}, operation_id="unresolved_picture")
    def get(self, request: Request, session_id: UUID, unresolved_id: UUID) -> HttpResponse:
        """Show the picture, to the shopper, to staff of the lane's store, and to admins."""
        session = self.session_for_staff_too(request, session_id)
        picture = selectors.unresolved_picture(session_id=session.pk, unresolved_id=unresolved_id)
        return HttpResponse(picture, content_type="image/jpeg")


class ConfirmView(OwnSessionView):
    """Turns the cart into an order."""

    @extend_schema(
        request=ExpectationSerializer,
        responses={201: ConfirmationSerializer, 200: ConfirmationSerializer},
        operation_id="billing_confirm",
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Confirm the cart: 201 with the new order, 200 with the same order when asked again."""
        session = self.own_session(request, session_id)
        body = ExpectationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        total = body.validated_data.get("expected_total")
        if total is None and "expected_total" in body.validated_data:
            total = services.NO_TOTAL
        confirmation = services.session_confirm(
            session_id=session.pk,
            expected_unresolved=body.validated_data.get("expected_unresolved"),
            expected_total=total,
        )
        order = confirmation.order
        answer = {
            "order_id": str(order.pk),
            "number": order.number,
            "total_items": order.total_items,
            "total_amount": selectors.amount_text(order.total_amount),
        }
        return Response(
            answer, status=status.HTTP_201_CREATED if confirmation.created else status.HTTP_200_OK
        )
