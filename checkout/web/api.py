"""Sessions, carts and confirming over REST."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from checkout.cart import cart_lines, items, selectors, services
from checkout.errors import SessionNotActive
from checkout.live import tickets
from checkout.models import CheckoutSession, Source


class SessionSerializer(serializers.Serializer[object]):
    """A visit to the till; `order_id` is set once it was confirmed."""

    session_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=CheckoutSession.Status.choices)
    created_at = serializers.DateTimeField()
    last_active = serializers.DateTimeField()
    order_id = serializers.UUIDField(allow_null=True)


class TicketSerializer(serializers.Serializer[object]):
    """A ticket for opening the socket once, as `?ticket=`."""

    ticket = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class CartLineSerializer(serializers.Serializer[object]):
    """A product in the cart; `unit_price` is text such as "2.50", `avg_score` a number or null."""

    product_id = serializers.UUIDField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)
    avg_score = serializers.FloatField(allow_null=True)
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    image = serializers.CharField(allow_null=True, help_text="Address of the first photo.")


class CartSerializer(serializers.Serializer[object]):
    """The cart; `total_amount` is text such as "12.50", null while any line has no price."""

    items = CartLineSerializer(many=True)
    total_items = serializers.IntegerField()
    total_amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    currency = serializers.CharField()


class QuantitySerializer(serializers.Serializer[object]):
    """How many pieces the line shall have; 0 takes it out."""

    quantity = serializers.IntegerField(min_value=0, max_value=cart_lines.QUANTITY_MAX)


class ConfirmationSerializer(serializers.Serializer[object]):
    """The order that a cart became."""

    order_id = serializers.UUIDField()
    number = serializers.CharField()
    total_items = serializers.IntegerField()
    total_amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)


class OwnSessionView(APIView):
    """A view on one session of the caller's own."""

    def own_session(self, request: Request, session_id: UUID) -> CheckoutSession:
        """Return the session, ended if it was idle for too long; anyone else's does not exist."""
        user = cast("User", request.user)
        return services.session_current(session=selectors.session_get(user=user, session_id=session_id))


class SessionListView(APIView):
    """Begins sessions."""

    @extend_schema(request=None, responses={201: SessionSerializer}, operation_id="session_start")
    def post(self, request: Request) -> Response:
        """Begin a visit with an empty cart."""
        session = services.session_start(user=cast("User", request.user))
        return Response(selectors.session_info(session=session), status=status.HTTP_201_CREATED)


class SessionDetailView(OwnSessionView):
    """Shows and cancels a session."""

    @extend_schema(responses=SessionSerializer, operation_id="session_get")
    def get(self, request: Request, session_id: UUID) -> Response:
        """Show a session of one's own."""
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
    """Hands out tickets for the socket."""

    @extend_schema(request=None, responses={201: TicketSerializer}, operation_id="session_ticket")
    def post(self, request: Request, session_id: UUID) -> Response:
        """Get a single-use ticket for the socket, valid for 30 seconds."""
        session = self.own_session(request, session_id)
        if session.status != CheckoutSession.Status.ACTIVE:
            raise SessionNotActive(session_id=session_id, session_status=session.status)
        ticket = tickets.ticket_issue(user_id=session.user_id, session_id=session_id)
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
        items.item_set(
            session_id=session.pk, product_id=product_id, quantity=body.validated_data["quantity"]
        )
        return Response(selectors.cart_get(session_id=session.pk))


class ConfirmView(OwnSessionView):
    """Turns the cart into an order."""

    @extend_schema(
        request=None,
        responses={201: ConfirmationSerializer, 200: ConfirmationSerializer},
        operation_id="billing_confirm",
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Confirm the cart: 201 with the new order, 200 with the same order when asked again."""
        session = self.own_session(request, session_id)
        confirmation = services.session_confirm(session_id=session.pk)
        order = confirmation.order
        body = {
            "order_id": str(order.pk),
            "number": order.number,
            "total_items": order.total_items,
            "total_amount": selectors.amount_text(order.total_amount),
        }
        return Response(body, status=status.HTTP_201_CREATED if confirmation.created else status.HTTP_200_OK)
