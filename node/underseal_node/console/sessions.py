"""Who is at the console: a link that works once becomes a session.

Whoever can read the operator token of the home asks for a link (`underseal console`); the browser
that opens it within a minute gets a cookie. Links and sessions are kept in the memory of the
management process, and only as digests: when it ends, everybody is signed out.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from underseal_node.clock import Clock

__all__ = ["LINK_SECONDS", "Session", "Sessions"]

LINK_SECONDS = 60
IDLE = timedelta(hours=8)
LONGEST = timedelta(hours=24)
# Of one operator; the ones unused for longest end.
MAX_SESSIONS = 20
MAX_LINKS = 100


@dataclass
class Session:
    """A browser that is signed in.

    Attributes:
        began_at: aware.
        used_at: aware; the last request.
        csrf: what each form has to bring along.
        messages: what is shown on the next page: kind (`done` or `refused`) and text.
        kept: what a page keeps for the next one of the same browser, such as a file between its
            check and its import.
    """

    began_at: datetime
    used_at: datetime
    csrf: str = field(repr=False)
    messages: list[tuple[str, str]] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict, repr=False)

    def has_sent(self, csrf: str) -> bool:
        """Whether a form is one of ours."""
        return hmac.compare_digest(_bytes(csrf), self.csrf.encode())

    def has_ended(self, now: datetime) -> bool:
        """Whether it was unused for too long, or has been open for too long."""
        return now >= self.used_at + IDLE or now >= self.began_at + LONGEST


class Sessions:
    """Links and sessions.

    Args:
        clock: what time it is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: dict[bytes, datetime] = {}
        self._sessions: dict[bytes, Session] = {}

    def new_link(self) -> str:
        """A code that opens a session, once, within `LINK_SECONDS`."""
        now = self._clock()
        self.forget_ended()
        self._links = {code: ends for code, ends in self._links.items() if ends > now}
        while len(self._links) >= MAX_LINKS:
            self._links.pop(next(iter(self._links)))
        code = secrets.token_urlsafe(32)
        self._links[_digest(code)] = now + timedelta(seconds=LINK_SECONDS)
        return code

    def enter(self, code: str) -> str | None:
        """The secret of a new session for the cookie; `None` if the code is none any more."""
        now = self._clock()
        ends = self._links.pop(_digest(code), None)
        if ends is None or ends <= now:
            return None
        while len(self._sessions) >= MAX_SESSIONS:
            oldest = min(self._sessions, key=lambda one: self._sessions[one].used_at)
            self._sessions.pop(oldest)
        secret = secrets.token_urlsafe(32)
        self._sessions[_digest(secret)] = Session(now, now, secrets.token_urlsafe(32))
        return secret

    def find(self, secret: str) -> Session | None:
        """The session behind a cookie, if it has not ended."""
        now, key = self._clock(), _digest(secret)
        session = self._sessions.get(key)
        if session is None:
            return None
        if session.has_ended(now):
            self._sessions.pop(key)
            return None
        session.used_at = now
        return session

    def forget_ended(self) -> bool:
        """Let go of sessions that have ended, with what they keep; says whether there are others.

        Nobody has to come back for that: whoever does not would leave files in memory.
        """
        now = self._clock()
        going_on = {key: one for key, one in self._sessions.items() if not one.has_ended(now)}
        self._sessions = going_on
        return bool(going_on)

    def end(self, secret: str) -> None:
        """Sign out."""
        self._sessions.pop(_digest(secret), None)


def _digest(secret: str) -> bytes:
    return sha256(_bytes(secret)).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
