"""Footprints as pages need them: byte for byte for downloads, and in the chain of corrections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from underseal_node.console.api import Answer, ApiRefusedError
from underseal_node.console.downloads import JSON, attached

__all__ = ["Chain", "Step", "chain_of", "downloaded", "unit_text"]

Json = Mapping[str, Any]
Fetch = Callable[[str], Awaitable[Json]]
MEMBER = b',"footprint":'
MOST_STEPS = 20  # of each direction; who has more looks at the last one and goes on
NOT_FOUND = 404
UNREADABLE = (404, 409, 422)


@dataclass(frozen=True)
class Step:
    """A footprint of a chain.

    Attributes:
        id: of it.
        known: what the node answers; None if it does not know it.
        is_this: the one that the page is about.
    """

    id: str
    known: Json | None
    is_this: bool = False


@dataclass(frozen=True)
class Chain:
    """What a footprint has replaced, and what has replaced it.

    Attributes:
        steps: oldest first, with the footprint itself.
        newest: the one at the end, if it is another than this.
    """

    steps: tuple[Step, ...]
    newest: Step | None

    @property
    def is_alone(self) -> bool:
        """Whether there is only the footprint itself."""
        return len(self.steps) == 1


async def chain_of(found: Json, fetch: Fetch) -> Chain:
    """The chain that a footprint is in.

    Args:
        found: what the node answers about it, with `precedingPfIds` and `successors`.
        fetch: gets the same of another id; refuses if the node does not know it.
    """
    before = await _walked(found, "precedingPfIds", fetch)
    after = await _walked(found, "successors", fetch)
    this = Step(found["id"], found, is_this=True)
    known = [one for one in after if one.known is not None]
    return Chain((*reversed(before), this, *after), known[-1] if known else None)


async def _walked(found: Json, member: str, fetch: Fetch) -> list[Step]:
    steps: list[Step] = []
    seen, queue = {found["id"]}, list(found.get(member, ()))
    while queue and len(steps) < MOST_STEPS:
        footprint_id = queue.pop(0).lower()
        if footprint_id in seen:
            continue
        seen.add(footprint_id)
        try:
            known = await fetch(footprint_id)
        except ApiRefusedError as error:
            if error.status not in UNREADABLE:
                raise
            steps.append(Step(footprint_id, None))
            continue
        steps.append(Step(footprint_id, known))
        queue += known.get(member, ())
    return steps


def downloaded(answer: Answer, name: str) -> Response:
    """The footprint in an answer of the node, byte for byte: any other spelling would not verify.

    Args:
        answer: its last member is the footprint. In a text, the quotes of `MEMBER` are escaped.
        name: of the file, without its extension.
    """
    return attached(answer.body.partition(MEMBER)[2][:-1], f"{name}.json", JSON)


def unit_text(row: Json, text: Callable[[str], str]) -> str:
    """What a figure is for, such as `1000 kilogram`.

    Args:
        row: with the declared unit.
        text: translates.
    """
    amount, unit = row.get("declaredUnitAmount"), row.get("declaredUnitOfMeasurement")
    return " ".join(one for one in (amount, text(unit) if unit else None) if one)
