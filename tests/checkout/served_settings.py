"""The shop's settings for a server whose engine is a stand-in."""

from __future__ import annotations

from ebrcs.settings import *  # noqa: F403

ENGINE_AT_START = False
# The served application keeps house by itself, in quicker rounds.
HOUSEKEEPING = False
