"""Where people go on when they have signed in again: at the page that they wanted, and, if a form
was sent after the session had ended, with what was typed in it.

The address stands in a cookie, so that it outlives a restart of the node. What was typed stays in
the memory of the process, for an hour, without secrets and files; nothing is done with it but to
show it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from underseal_node.clock import Clock
from underseal_node.console.api import ApiRefusedError
from underseal_node.console.forms import SECRET_FIELDS, Form, is_of_our_origin, read_form

__all__ = ["KEPT", "Left", "Returning", "is_page"]

KEPT = timedelta(hours=1)
MAX_LEFT = 10
MAX_ADDRESS_CHARACTERS = 2_000  # what browsers take in a cookie is 4 kB
BETWEEN = "|"


@dataclass(frozen=True)
class Left:
    """A form that was sent when nobody was signed in any more.

    Attributes:
        path: where it was sent to, below the console.
        texts: its fields by name, without secrets.
        had_files: whether files were sent with it, which are not kept.
        ends_at: aware; it is forgotten then.
    """

    path: str
    texts: Mapping[str, Sequence[str]] = field(repr=False)
    had_files: bool
    ends_at: datetime


class Returning:
    """Remembers where people wanted to go.

    Args:
        clock: what time it is.
        cookie: its name.
        root: address of the console.
    """

    def __init__(self, clock: Clock, cookie: str, root: str) -> None:
        self._clock = clock
        self._cookie = cookie
        self._root = root
        self._left: dict[bytes, Left] = {}

    async def form_of(self, request: Request, max_bytes: int) -> Left | None:
        """What a form says that nobody may send any more; nothing, if it is none of our pages.

        Args:
            request: as it came.
            max_bytes: of the form; what is larger is not kept.
        """
        if request.method != "POST" or not is_of_our_origin(request):
            return None
        try:
            form = await read_form(request, max_bytes)
        except ApiRefusedError:
            form = Form()
        texts = {name: values for name, values in form.texts.items() if name not in SECRET_FIELDS}
        path = request.url.path.removeprefix(self._root)
        return Left(path, texts, bool(form.files), self._clock() + KEPT) if texts else None

    def remember(self, request: Request, answer: Response, left: Left | None) -> None:
        """Let the browser say, when somebody signs in, where to go on.

        Args:
            request: that was not answered.
            answer: that says so.
            left: the form that it has brought.
        """
        page = self._page_of(request)
        if page is None:
            return
        key = "" if left is None else self._keep(left)
        answer.set_cookie(
            *(self._cookie, f"{quote(page, safe='')}{BETWEEN}{key}"),
            max_age=int(KEPT.total_seconds()), path=self._root, httponly=True, samesite="strict",
        )  # fmt: skip

    def back(self, request: Request) -> tuple[str, Left | None]:
        """The page where somebody goes on who has just signed in, and the form that was left there.

        Args:
            request: of signing in.
        """
        page, _, key = request.cookies.get(self._cookie, "").partition(BETWEEN)
        page = unquote(page)
        self.forget_old()
        left = self._left.pop(_digest(key), None)
        return (page if is_page(page) else "/"), left

    def forget_page(self, answer: Response) -> None:
        """Let the browser forget the page that it has been led back to."""
        answer.delete_cookie(self._cookie, path=self._root)

    def forget_old(self) -> bool:
        """Let go of what nobody has come back to; says whether there is anything left."""
        now = self._clock()
        self._left = {key: one for key, one in self._left.items() if one.ends_at > now}
        return bool(self._left)

    def _keep(self, left: Left) -> str:
        self.forget_old()
        while len(self._left) >= MAX_LEFT:
            self._left.pop(next(iter(self._left)))
        key = secrets.token_urlsafe(32)
        self._left[_digest(key)] = left
        return key

    def _page_of(self, request: Request) -> str | None:
        """The page that was wanted; of a form, the one that it stands on."""
        if request.headers.get("sec-fetch-mode", "navigate") != "navigate":
            return None  # a script has asked, for a part of a page
        if not is_of_our_origin(request):
            return None
        path, query = _as_sent(request), request.scope["query_string"].decode("ascii", "replace")
        if request.method == "POST":
            before = urlsplit(request.headers.get("referer", ""))
            is_ours = before.netloc == request.headers.get("host")
            path, query = (before.path, before.query) if is_ours else (path, "")
        path = path.removeprefix(self._root) or "/"
        page = f"{path}?{query}" if query else path
        page = page if len(quote(page, safe="")) <= MAX_ADDRESS_CHARACTERS else path
        return page if is_page(page) and len(page) <= MAX_ADDRESS_CHARACTERS else None


def is_page(path: str) -> bool:
    """Whether a path leads to a page of ours and nowhere else, below the console."""
    return path.startswith("/") and "\\" not in path and path.isprintable()


def _as_sent(request: Request) -> str:
    """The path with what is quoted in it; what was meant as a part of it stays that."""
    raw = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return bytes(raw).partition(b"?")[0].decode("ascii", "replace")


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()
