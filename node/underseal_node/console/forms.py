"""What the forms of the console send, read up to a limit and checked to be from our own pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import Message

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.sessions import Session
from underseal_node.errors import NodeError
from underseal_node.pact.access import read_body
from underseal_protocol.errors import ProtocolError

__all__ = ["SECRET_FIELDS", "File", "Form", "is_from_our_page", "is_of_our_origin", "read_form"]

BAD_REQUEST, TOO_LARGE = 400, 413
MAX_FIELDS = 5_000
MAX_FILES = 20
# What is never kept to be shown again. An invitation has a secret in it, by which it is accepted.
SECRET_FIELDS = {"csrf", "code", "clientSecret", "invitation", "content"}
FILE_HINT = "Split the file, or raise max_import_bytes in underseal.toml."


@dataclass(frozen=True)
class File:
    """A file that was sent.

    Attributes:
        name: as the browser tells it.
        content: as it is.
    """

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Form:
    """The fields of a form.

    Attributes:
        texts: by name, in their order; may hold secrets.
        files: those that have a name.
    """

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    files: Mapping[str, Sequence[File]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The first value of a field, stripped; an empty text if there is none."""
        return next(iter(self.texts.get(name, ())), "").strip()

    def all(self, name: str) -> list[str]:
        """All values of a field that are not empty, stripped."""
        return [one.strip() for one in self.texts.get(name, ()) if one.strip()]

    def file(self, name: str) -> File | None:
        """The first file of a field."""
        return next(iter(self.files.get(name, ())), None)

    def typed(self) -> dict[str, str]:
        """Every field as it was typed, to be shown again."""
        return {name: values[0] for name, values in self.texts.items() if values}


async def read_form(request: Request, max_bytes: int) -> Form:
    """Read a form (`application/x-www-form-urlencoded` or `multipart/form-data`).

    Args:
        request: as it came.
        max_bytes: of its body.

    Raises:
        ApiRefusedError: it is too large, or malformed.
    """
    try:
        body = await read_body(request.scope, request.receive, max_bytes)
    except (NodeError, ProtocolError) as error:
        hint = FILE_HINT if _has_files(request) else None
        raise ApiRefusedError(TOO_LARGE, str(error), hint) from None

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    again = Request(request.scope, receive)
    try:
        async with _parsed(again, max_bytes) as found:
            texts: dict[str, list[str]] = {}
            files: dict[str, list[File]] = {}
            for name, value in found.multi_items():
                if isinstance(value, UploadFile):
                    if value.filename:
                        files.setdefault(name, []).append(File(value.filename, await value.read()))
                else:
                    texts.setdefault(name, []).append(value)
    except (MultiPartException, UnicodeDecodeError, ValueError) as error:
        raise ApiRefusedError(BAD_REQUEST, f"the form cannot be read: {error}") from None
    except HTTPException as error:
        raise ApiRefusedError(
            error.status_code, f"the form cannot be read: {error.detail}"
        ) from None
    return Form(texts, files)


class _InMemory(MultiPartParser):
    """Writes no file to the disk: it is confidential, and the limit of the request bounds it."""

    spool_max_size = 0  # bytes until it goes to the disk; none: it never does


def _has_files(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


@asynccontextmanager
async def _parsed(request: Request, max_bytes: int) -> AsyncIterator[FormData]:
    limits: dict[str, int] = {
        "max_files": MAX_FILES,
        "max_fields": MAX_FIELDS,
        "max_part_size": max_bytes,
    }
    if not _has_files(request):
        async with request.form(**limits) as found:
            yield found
        return
    found = await _InMemory(request.headers, request.stream(), **limits).parse()
    try:
        yield found
    finally:
        await found.close()


def is_from_our_page(request: Request, session: Session, form: Form) -> bool:
    """Whether a form was sent by a page of this session, and by no other site.

    The token of the session is what decides; what browsers say of the origin only refuses more.
    """
    return is_of_our_origin(request) and session.has_sent(form.one("csrf"))


def is_of_our_origin(request: Request) -> bool:
    """Whether the browser says nothing of another site (Fetch Metadata, RFC 6454)."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")
