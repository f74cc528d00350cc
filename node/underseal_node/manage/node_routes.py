"""The node itself: who it is, how it is, its backup."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import IO

from fastapi import APIRouter
from sqlmodel import Session
from starlette.responses import Response, StreamingResponse

from underseal_node import metrics
from underseal_node.backup import create_backup
from underseal_node.doctor.doctor import examine
from underseal_node.errors import RefusedError
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.node import BackupInput, CheckShape, NodeShape
from underseal_node.manage.shapes.peers import FingerprintShape
from underseal_node.node import Node
from underseal_node.store import audit, gauges
from underseal_node.store.audit import Act
from underseal_node.trust.fingerprints import own_fingerprint

__all__ = ["router"]

GZIP = "application/gzip"
CHUNK_BYTES = 256 * 1024

router = APIRouter()


@router.get("/health")
async def health() -> dict[str, str]:
    """Whether the management process runs; needs no token."""
    return {"status": "ok"}


@router.get("/metrics")
async def show_metrics(context: Context) -> Response:
    """For Prometheus."""
    node = context.node
    measured = await node.store.read(gauges.measure)
    return Response(metrics.exposition(node.home.run, measured), media_type=metrics.CONTENT_TYPE)


@router.get("/node", **RESPONSE)
async def show_node(context: Context) -> NodeShape:
    """Who this node is."""
    node = context.node
    kids: dict[str, list[str]] = {}
    for key in node.public_keys:
        kids.setdefault(str(key.purpose), []).append(key.kid)
    own = own_fingerprint(node.current())
    return NodeShape(
        company_name=node.identity.company_name,
        company_ids=list(node.identity.company_ids),
        url=node.identity.url,
        version=version("underseal"),
        key_thumbprints=kids,
        fingerprint=FingerprintShape(words=own.words, hex=own.hex),
        endorse=node.settings.endorse,
        endorse_named=node.settings.endorse_named,
    )


@router.get("/doctor", **RESPONSE)
async def doctor(context: Context) -> Listing[CheckShape]:
    """Look at this node as a peer would, and at what waits for the operator."""
    return Listing(
        data=[
            CheckShape(name=one.name, result=one.result, message=one.message, hint=one.hint)
            for one in await examine(context.node)
        ]
    )


@router.post("/backup", response_class=Response, responses={200: {"content": {GZIP: {}}}})
async def backup(context: Context, given: BackupInput) -> Response:
    """The whole node as one archive."""
    node = context.node

    def record(session: Session) -> None:
        detail = {"withKey": given.passphrase is not None}
        audit.record(session, Act.BACKUP_MADE, node.now(), detail=detail)

    # Before it: a node restored from this backup knows of it.
    await node.store.write(record)
    stream, size = await asyncio.to_thread(_backup, node, given.passphrase)
    return StreamingResponse(
        _chunks(stream), media_type=GZIP, headers={"content-length": str(size)}
    )


def _backup(node: Node, passphrase: str | None) -> tuple[IO[bytes], int]:
    """The archive, open for reading, and its size.

    It has no name any more: it is gone when it is closed, however the download ends.
    """
    try:
        with tempfile.TemporaryDirectory(dir=node.home.backups, prefix=".download-") as directory:
            archive = Path(directory) / "underseal.backup"
            create_backup(node.home, node.settings, archive, now=node.now(), passphrase=passphrase)
            return archive.open("rb"), archive.stat().st_size
    except OSError as error:
        raise RefusedError(
            f"the backup cannot be made in {node.home.backups}: {error.strerror or error}",
            hint="Check the free space and the permissions; nothing was left behind.",
        ) from error


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
