"""Products that a server for tests tells apart by their colour."""

from __future__ import annotations

from uuid import UUID

from tests.recognition.vision.scenes import BLUE, GREEN, RED

RED_ID, BLUE_ID, GREEN_ID = (UUID(int=number) for number in (1, 2, 3))
COLOURS = {str(RED_ID): RED, str(BLUE_ID): BLUE, str(GREEN_ID): GREEN}
# So much like red that nobody can tell them apart.
TWIN_ID = UUID(int=4)
TWIN = (202, 43, 43)
