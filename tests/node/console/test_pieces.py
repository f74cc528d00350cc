"""Large answers of the management endpoints, passed on piece by piece."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from underseal_node.console.api import PIECES_AHEAD, Api, ApiRefusedError

PIECES = 1_000


class Large:
    """An application that answers with many pieces, and counts those that it has made."""

    def __init__(self, status: int = 200, fails_at: int | None = None) -> None:
        self.made = 0
        self.was_stopped = False
        self._status = status
        self._fails_at = fails_at

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert dict(scope["headers"])[b"authorization"] == b"Bearer secret"
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        try:
            for number in range(PIECES):
                if number == self._fails_at:
                    raise OSError("the disk is gone")
                self.made += 1
                body = b'{"message":"no"}' if self._status != 200 else b"%d\n" % number
                more = number < PIECES - 1 and self._status == 200
                await send({"type": "http.response.body", "body": body, "more_body": more})
                if not more:
                    return
        except asyncio.CancelledError:
            self.was_stopped = True
            raise


def api(app: Large) -> Api:
    return Api(app, "127.0.0.1:8444", SecretStr("secret"))


async def test_all_of_it_arrives_in_order_and_little_is_made_ahead() -> None:
    app = Large()
    pieces = await api(app).pieces("/audit/export")
    found = b""
    async for piece in pieces:
        found += piece
        assert app.made <= found.count(b"\n") + PIECES_AHEAD + 2
    assert found == b"".join(b"%d\n" % number for number in range(PIECES))


async def test_who_stops_reading_stops_the_work() -> None:
    app = Large()
    pieces = await api(app).pieces("/audit/export")
    async for _ in pieces:
        break
    await pieces.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    assert app.was_stopped
    assert app.made < PIECES


async def test_a_refusal_is_raised_before_anything_is_passed_on() -> None:
    with pytest.raises(ApiRefusedError, match="no"):
        await api(Large(status=404)).pieces("/audit/receipts", {"peer": "nobody"})


async def test_what_breaks_on_the_way_is_no_whole_file() -> None:
    pieces = await api(Large(fails_at=3)).pieces("/audit/export")
    found = [await anext(pieces) for _ in range(3)]
    assert b"".join(found) == b"0\n1\n2\n"
    assert await anext(pieces) == b""
    with pytest.raises(OSError, match="disk"):
        await anext(pieces)
