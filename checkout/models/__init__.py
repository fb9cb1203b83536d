"""The tables of checkout: visits and carts, what happened to them, lanes and the alerts about them."""

from checkout.models.alerts import Alert, LaneEvent
from checkout.models.events import DisputedLine, ScanEvent, UnresolvedItem
from checkout.models.frames import FrameCount
from checkout.models.lanes import Lane, LaneTelemetry, PairingCode
from checkout.models.sessions import BillingItem, CheckoutSession, Source

__all__ = [
    "Alert",
    "BillingItem",
    "CheckoutSession",
    "DisputedLine",
    "FrameCount",
    "Lane",
    "LaneEvent",
    "LaneTelemetry",
    "PairingCode",
    "ScanEvent",
    "Source",
    "UnresolvedItem",
]
