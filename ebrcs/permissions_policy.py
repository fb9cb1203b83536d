"""What browsers let pages of the shop do: the value of the Permissions-Policy header.

The checkout page uses the camera, a lane keeps its screen on and fills it, and the receipt uses the browser's
ways to share it. The rest is for nobody, and
so not for a script that should not be there either.
"""

from __future__ import annotations

OWN_PAGES = ("camera", "clipboard-write", "fullscreen", "screen-wake-lock", "web-share")
NOBODY = (
    "accelerometer",
    "bluetooth",
    "browsing-topics",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "serial",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)
PERMISSIONS_POLICY = dict.fromkeys(OWN_PAGES, "self") | dict.fromkeys(NOBODY, "none")
