"""The audit log: look at it, check it, export it, and what peers have signed."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator
from sqlmodel import Session
from starlette.responses import Response, StreamingResponse

from underseal_node.errors import AuditLogError, NotFoundError, RefusedError
from underseal_node.manage.context import RESPONSE, Context, Limit, body_of
from underseal_node.manage.lists import (
    Count,
    Offset,
    Search,
    answered,
    line_of,
    part_of,
    sorts_of,
    words_of,
)
from underseal_node.manage.shapes.audit import AuditCheckShape, AuditEntryShape
from underseal_node.manage.shapes.base import Part
from underseal_node.node import Node
from underseal_node.store import audit_lists, audit_log, peers, receipts
from underseal_node.store.audit import Outcome
from underseal_node.store.audit_lists import AuditWanted
from underseal_node.store.audit_tables import ReceiptRole
from underseal_node.trust import audit
from underseal_protocol.audit_export import entry_line, head_line, log_line, set_line
from underseal_protocol.witness import read_witnesses

__all__ = ["router"]

LINES = "application/x-ndjson"
CHUNK_BYTES = 256 * 1024
PeerName = Annotated[str | None, Query(description="only about this peer")]
AuditSort = Annotated[str | None, AfterValidator(sorts_of(audit_lists.SORTS)), Query()]
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    }
}

router = APIRouter(prefix="/audit")


def _wanted(
    peer: PeerName = None,
    footprint_id: Annotated[str | None, Query(alias="footprintId")] = None,
    act: str | None = None,
    outcome: Outcome | None = None,
    search: Search = [],  # noqa: B006 - never changed
) -> Callable[[Session], AuditWanted]:
    """What is wanted; how the log calls the peer says the database."""

    def wanted(session: Session) -> AuditWanted:
        return AuditWanted(
            None if peer is None else _name_of(session, peer),
            None if footprint_id is None else footprint_id.lower(),
            act,
            outcome,
            words_of(search),
        )

    return wanted


Wanted = Annotated[Callable[[Session], AuditWanted], Depends(_wanted)]


@router.get("", response_model=Part[AuditEntryShape])
async def show(
    context: Context,
    wanted: Wanted,
    peer: PeerName = None,
    sort: AuditSort = None,
    limit: Limit = 100,
    offset: Offset = 0,
    count: Count = False,
) -> Response:
    """What is in the log, newest first if nothing else is asked for."""
    part = part_of(sort, limit, offset, is_counted=count)

    def work(session: Session) -> Part[AuditEntryShape]:
        found, total = audit_lists.find(session, wanted(session), part)
        if not found and peer is not None:
            peers.by_name(session, peer)  # or it is one that the log knows, and that is gone
        return Part(data=[_entry(one) for one in found], total=total)

    return answered(await context.node.store.read(work))


@router.get("/entries")
async def export_entries(context: Context, wanted: Wanted, sort: AuditSort = None) -> Response:
    """All entries that are asked for, as lines of JSON."""

    def lines(session: Session) -> Iterator[bytes]:
        for one in audit_lists.entries(session, wanted(session), part_of(sort, None)):
            yield line_of(_entry(one))

    return await _download(context.node, lines)


@router.post("/verify", openapi_extra=UPLOAD, **RESPONSE)
async def verify(request: Request, context: Context) -> AuditCheckShape:
    """Check the log, also against what others hold of it."""
    node = context.node
    try:
        lines = (await body_of(request, context)).decode().splitlines()
    except UnicodeDecodeError:
        raise RefusedError("the receipts are not text in UTF-8") from None
    await _append(node)

    def work(session: Session) -> audit.Checked:
        keys = audit.receipt_keys(session)
        return audit.check(session, read_witnesses(lines, urls=node.urls(), keys=keys))

    checked = await node.store.read(work)
    return AuditCheckShape.model_validate(checked.to_json())


@router.get("/export")
async def export(context: Context) -> Response:
    """The whole log as lines of JSON, to be checked elsewhere."""
    node = context.node
    await _append(node)

    def lines(session: Session) -> Iterator[bytes]:
        yield log_line(node.identity.url, audit.receipt_keys(session))
        for head in audit_log.heads(session):
            yield head_line(head.token)
        for row in audit_log.entries(session):
            yield entry_line(row.number, row.body)
        for one in audit_log.sets(session):
            yield set_line(one.digest, one.packed)

    return await _download(node, lines)


@router.get("/receipts")
async def export_receipts(context: Context, peer: PeerName = None) -> Response:
    """What peers have signed, as lines of JSON: they can check their logs with it."""

    def lines(session: Session) -> Iterator[bytes]:
        name = None if peer is None else peers.by_name(session, peer).name
        for row, _ in receipts.held(session, name):
            is_ours = row.role == ReceiptRole.ISSUED
            kind, token = (
                ("acknowledgement", row.acknowledgement) if is_ours else ("receipt", row.token)
            )
            if token is not None:
                yield json.dumps({"kind": kind, "token": token}).encode() + b"\n"

    return await _download(context.node, lines)


def _name_of(session: Session, peer: str) -> str:
    """As it is written in the log; of a peer that is gone, as it was given."""
    try:
        return peers.by_name(session, peer).name
    except NotFoundError:
        return peer


async def _append(node: Node) -> None:
    """What was recorded a moment ago belongs to the log, too; if it can go on."""
    with suppress(AuditLogError):  # the check says it, and an export can be checked
        await audit.append_all(node)


def _entry(members: dict[str, Any]) -> AuditEntryShape:
    """An entry with the members that are shown; one of a later version may have more."""
    known = AuditEntryShape.model_fields
    return AuditEntryShape(**{name: value for name, value in members.items() if name in known})


async def _download(node: Node, lines: Callable[[Session], Iterator[bytes]]) -> Response:
    """An answer made of lines, all of one snapshot of the database."""
    stream, size = await asyncio.to_thread(_written, node, lines)
    headers = {"content-length": str(size)}
    return StreamingResponse(_chunks(stream), media_type=LINES, headers=headers)


def _written(node: Node, lines: Callable[[Session], Iterator[bytes]]) -> tuple[IO[bytes], int]:
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(tempfile.TemporaryFile(dir=node.home.backups))
            node.store.read_sync(lambda session: stream.writelines(lines(session)))
            size = stream.tell()
            stream.seek(0)
        except OSError as error:
            raise RefusedError(
                f"the export cannot be made in {node.home.backups}: {error.strerror or error}",
                hint="Check the free space and the permissions; nothing was left behind.",
            ) from error
        stack.pop_all()  # it is closed when it has been sent
    return stream, size


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
