"""What the management endpoints share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response

from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.pull_jobs import PullJobs
from underseal_node.manage.shapes.base import MAX_ROW_ID, Shape
from underseal_node.manage.shapes.exchange import CriteriaInput
from underseal_node.manage.shapes.footprints import FindingShape
from underseal_node.manage.shapes.refusals import ProblemShape
from underseal_node.node import Node
from underseal_node.pact.access import read_body
from underseal_node.pact.errors import BodyTooLargeError
from underseal_node.sheets.problems import Problem
from underseal_protocol.criteria import Criteria
from underseal_protocol.methodology import Finding

__all__ = [
    "JSON",
    "MAX_ROW_ID",
    "RESPONSE",
    "Context",
    "Limit",
    "ManageContext",
    "RowId",
    "body_of",
    "criteria_of",
    "finding",
    "problem_shapes",
    "read_upload",
    "with_footprint",
]

JSON = "application/json"
# How answers are written: by the names of the wire, nothing without a value.
RESPONSE: dict[str, Any] = {"response_model_by_alias": True, "response_model_exclude_none": True}

Limit = Annotated[int, Query(ge=1, le=100_000)]
RowId = Annotated[int, Path(ge=1, le=MAX_ROW_ID)]


@dataclass(frozen=True)
class ManageContext:
    """Of one process.

    Attributes:
        node: the node.
        exchange: for calls to peers.
        pulls: those that were started here.
    """

    node: Node
    exchange: Exchange
    pulls: PullJobs


async def _context(request: Request) -> ManageContext:
    context: ManageContext = request.app.state.context
    return context


Context = Annotated[ManageContext, Depends(_context)]


async def body_of(request: Request, context: ManageContext) -> bytes:
    """The body of an upload, up to the limit.

    Raises:
        BodyTooLargeError: it is larger than `max_import_bytes`.
    """
    return await read_upload(request, context.node.settings.max_import_bytes)


async def read_upload(request: Request, max_bytes: int) -> bytes:
    """The body of a request that carries a file.

    Args:
        request: with the name of the file in its query, perhaps.
        max_bytes: of the body.

    Raises:
        BodyTooLargeError: it is larger; with the name of the file and what to do.
    """
    try:
        return await read_body(request.scope, request.receive, max_bytes)
    except BodyTooLargeError:
        name = request.query_params.get("name") or "the file"
        raise BodyTooLargeError(
            f"{name}: the upload is larger than the limit of {max_bytes} bytes",
            hint="Split the file, or raise max_import_bytes in underseal.toml.",
        ) from None


def with_footprint(shape: Shape, body: bytes) -> Response:
    """An answer with a footprint in it, byte for byte as it is stored.

    Args:
        shape: everything else; its member `footprint` is left out.
        body: the footprint as JSON.
    """
    rest = shape.model_dump_json(by_alias=True, exclude_none=True, exclude={"footprint"})
    return Response(rest[:-1].encode() + b',"footprint":' + body + b"}", media_type=JSON)


def criteria_of(given: CriteriaInput) -> Criteria:
    """Filters as the protocol knows them.

    Raises:
        CriteriaError: a date is none, or there are too many.
    """
    members = given.model_dump(by_alias=True, exclude_none=True)
    items = [
        (name, str(value))
        for name, values in members.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return Criteria.from_query(items)


def problem_shapes(found: Iterable[Problem]) -> list[ProblemShape]:
    """What is wrong with a file."""
    return [
        ProblemShape(file=one.file, place=one.place, message=one.message, hint=one.hint)
        for one in found
    ]


def finding(found: Finding) -> FindingShape:
    """As it is answered."""
    return FindingShape(
        rule=found.rule,
        severity=found.severity,
        pointer=found.pointer,
        message=found.message,
        section=found.section,
        hint=found.hint,
    )
