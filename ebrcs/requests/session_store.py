"""Login sessions in the database, which is asked only for keys that can be one."""

from __future__ import annotations

import re

from django.contrib.sessions.backends import db

# What Django makes: 32 digits and lower-case letters.
SESSION_KEY = re.compile(r"[a-z0-9]{32}", re.ASCII)


class SessionStore(db.SessionStore):
    """Django's sessions; a cookie that never was a key of one means that nobody is logged in.

    PostgreSQL refuses NUL in a text with an error, and looks up whatever else a client makes up.
    """

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and SESSION_KEY.fullmatch(key) is not None
