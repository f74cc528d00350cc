"""Showing a peer that we have our client key, also one that has not heard of the newest yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from underseal_node.exchange.http import Answer

__all__ = ["prove"]

Sign = Callable[[int], str | None]
"""Signs with our newest client key (0) or with the one before it (1), ...; None: there is none."""


async def prove(sign: Sign, send: Callable[[Callable[[], str]], Awaitable[Answer]]) -> Answer:
    """Send something signed; where our newest client key is not known, with the one before it.

    Args:
        sign: what is sent.
        send: is given what signs it anew for each attempt, because it counts once.

    Returns:
        the answer to the first that was not refused as unauthenticated; or else the first one.
    """
    first: Answer | None = None
    age = 0
    while sign(age) is not None:
        answer = await send(partial(_signed, sign, age))
        if answer.status != 401:
            return answer
        first = first or answer
        age += 1
    assert first is not None  # noqa: S101 - there is a key in use
    return first


def _signed(sign: Sign, age: int) -> str:
    return sign(age) or ""
