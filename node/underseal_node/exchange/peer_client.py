"""The PACT calls to one peer: list, get, post an event; and the status of a footprint.

Every call carries a token; a 401 gets one new token and one more try. What the peer sends is
limited in size and depth, and its links lead nowhere but to its own origin.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import quote, urljoin

from underseal_node.exchange.access import Access, events_address
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import AddressError, AnswerError, ProtocolViolationError
from underseal_node.exchange.http import Answer, Call, PeerHttp
from underseal_node.exchange.raw_json import object_member
from underseal_node.exchange.tokens import TokenClient
from underseal_node.settings import Settings
from underseal_protocol.errors import JsonError
from underseal_protocol.receipt import MAX_CHARACTERS
from underseal_protocol.strict_json import JsonLimits, array_items, loads

__all__ = ["FootprintPage", "PeerClient", "next_link", "refusal"]

T = TypeVar("T")

KEY_LOG_ENDPOINT = "/extensions/key-log"
EVENT_CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
MAX_EVENT_ANSWER_BYTES = 64 * 1024
MAX_STATEMENT_BYTES = 16 * 1024
MAX_ATTESTATIONS_BYTES = 1024 * 1024
MAX_MESSAGE_CHARACTERS = 300
# Opaque; what it may hold is what can stand in a header and in a URL.
WATERMARK = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

# What a peer that does not page may put on its only page.
MAX_PAGE_ITEMS = 100_000
# Of JSON: what takes no time to count takes memory to read.
MAX_JSON_PARTS = 4_000_000
READ_AT_ONCE_BYTES = 256 * 1024

# RFC 8288 section 3: <target> and its parameters, up to the next link.
LINK = re.compile(r"<([^<>]*)>((?:[^,<\"]|\"(?:[^\"\\]|\\.)*\")*)", re.ASCII)
PARAMETER = re.compile(
    r";\s*([^\s=;,\"]+)(?:\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;,\"]*)))?", re.ASCII
)


@dataclass(frozen=True)
class FootprintPage:
    """One page of a list.

    Attributes:
        items: the raw bytes of each footprint, as received.
        next_url: of the next page, on the peer's own origin.
        watermark: of an Underseal peer, to be given back as `x-underseal-changed-after`.
    """

    items: list[bytes]
    next_url: str | None
    watermark: str | None


class PeerClient:
    """Calls peers.

    Args:
        http: makes the calls.
        tokens: the tokens of all peers.
        settings: limits.
    """

    def __init__(self, http: PeerHttp, tokens: TokenClient, settings: Settings) -> None:
        self._http = http
        self._tokens = tokens
        self._limits = JsonLimits(
            max_bytes=settings.max_response_bytes, max_depth=settings.max_json_depth
        )

    async def page(
        self, access: Access, url: str, *, what: str = "the list of footprints"
    ) -> FootprintPage:
        """One page of `GET /3/footprints`, or of another list of that form.

        Args:
            url: of the page, made by us or taken from the link of the page before.
            what: it is, for the message of an error.

        Raises:
            AnswerError: the peer refuses.
            PeerError: it cannot be reached, or its answer is not a list of footprints.
        """
        answer = await self._get(access, url)
        if answer.status not in (200, 202):  # 2.x answers a page of many with 202
            raise refusal(answer, access, what)
        items = await _beside(self._items, answer, access)
        watermark = answer.headers.get("x-underseal-watermark", "")
        return FootprintPage(
            items,
            next_link(answer.headers.get("link"), url, access),
            watermark if WATERMARK.fullmatch(watermark) else None,
        )

    async def footprint(self, access: Access, footprint_id: str) -> bytes | None:
        """The raw bytes of one footprint; `None` when the peer says that it is not there for us.

        Raises:
            AnswerError: the peer refuses.
            PeerError: it cannot be reached, or its answer is not a footprint.
        """
        url = f"{access.base_url}/3/footprints/{quote(footprint_id, safe='')}"
        answer = await self._get(access, url)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refusal(answer, access, f"footprint {footprint_id}")
        return await _beside(self._member, answer, access)

    async def status_statement(self, access: Access, footprint_id: str) -> str | None:
        """What an Underseal peer has signed about the status of a footprint, unverified.

        Raises:
            PeerError: it cannot be reached or refuses.
        """
        url = f"{access.base_url}/extensions/status/{quote(footprint_id, safe='')}"
        answer = await self._get(
            access, url, accept="application/jwt, */*", max_bytes=MAX_STATEMENT_BYTES
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refusal(answer, access, f"the status of footprint {footprint_id}")
        return answer.body.decode("ascii", "replace").strip()

    async def attestations(self, access: Access, footprint_id: str) -> list[str]:
        """What an Underseal peer serves beside a footprint as attested by verifiers, unverified.

        Raises:
            PeerError: it cannot be reached or refuses, or its answer is no list of texts.
        """
        url = f"{access.base_url}/extensions/attestations/{quote(footprint_id, safe='')}"
        answer = await self._get(access, url, max_bytes=MAX_ATTESTATIONS_BYTES)
        if answer.status == 404:
            return []
        if answer.status != 200:
            raise refusal(answer, access, f"the attestations of footprint {footprint_id}")
        try:
            document = loads(answer.body, limits=self._limits)
        except JsonError as error:
            raise ProtocolViolationError(
                f"{access.name} answered no attestations: {error.message}"
            ) from error
        tokens = document.get("data") if isinstance(document, Mapping) else None
        if not isinstance(tokens, list) or not all(
            isinstance(one, str) and one.isascii() and "\0" not in one for one in tokens
        ):
            raise ProtocolViolationError(f"{access.name} answered no list of attestations")
        return [str(one) for one in tokens]

    async def post_event(self, access: Access, body: bytes) -> None:
        """Deliver an event; once, because the outbox tries again.

        Raises:
            AnswerError: the peer does not accept it.
            PeerError: it cannot be reached.
        """
        await self._post(access, events_address(access), EVENT_CONTENT_TYPE, body, "the event")

    async def post_key_log(self, access: Access, body: bytes) -> None:
        """Tell an Underseal peer of new entries in our key log; once, as an event.

        Raises:
            AnswerError: the peer does not accept them.
            PeerError: it cannot be reached.
        """
        url = f"{access.base_url}{KEY_LOG_ENDPOINT}"
        await self._post(access, url, "application/json", body, "the new keys")

    async def _post(
        self, access: Access, url: str, content_type: str, body: bytes, what: str
    ) -> None:
        answer = await self.post_for_answer(
            access, url, body, content_type=content_type, max_bytes=MAX_EVENT_ANSWER_BYTES
        )
        if not 200 <= answer.status < 300:
            raise refusal(answer, access, what)

    async def post_acknowledgement(self, access: Access, token: str) -> str | None:
        """Acknowledge what was received; the receipt, unverified, or `None` if it is not ready.

        Raises:
            AnswerError: the peer refuses, or has no such thing.
            PeerError: it cannot be reached.
        """
        call = Call(
            "POST",
            f"{access.base_url}/extensions/receipts",
            access.origins,
            headers={"content-type": "application/jwt", "accept": "application/jwt, */*"},
            content=token.encode(),
            ca_pem=access.ca_pem,
            attempts=1,
            max_bytes=MAX_CHARACTERS,
        )
        answer = await self._authorised(access, call)
        if answer.status == 202:
            return None
        if answer.status != 200:
            raise refusal(answer, access, "the receipt")
        return answer.body.decode("ascii", "replace").strip()

    async def post_for_answer(
        self,
        access: Access,
        url: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        max_bytes: int,
    ) -> Answer:
        """Post something, once.

        Args:
            url: of the peer.
            body: of the type.
            content_type: as the header says it.
            max_bytes: of the answer.

        Returns:
            the answer, whatever its status.

        Raises:
            PeerError: it cannot be reached.
        """
        call = Call(
            "POST",
            url,
            access.origins,
            headers={"content-type": content_type, "accept": "application/json"},
            content=body,
            ca_pem=access.ca_pem,
            private_origins=access.private_origins,
            attempts=1,
            max_bytes=max_bytes,
        )
        return await self._authorised(access, call)

    async def get_answer(self, access: Access, url: str, *, max_bytes: int) -> Answer:
        """Get something; the answer, whatever its status.

        Args:
            url: of the peer.
            max_bytes: of the answer.

        Raises:
            PeerError: it cannot be reached.
        """
        return await self._get(access, url, max_bytes=max_bytes)

    async def _get(
        self,
        access: Access,
        url: str,
        *,
        accept: str = "application/json",
        max_bytes: int | None = None,
    ) -> Answer:
        call = Call(
            "GET",
            url,
            access.origins,
            headers={"accept": accept},
            ca_pem=access.ca_pem,
            private_origins=access.private_origins,
            max_bytes=max_bytes,
        )
        return await self._authorised(access, call)

    async def _authorised(self, access: Access, call: Call) -> Answer:
        token = await self._tokens.token(access)
        answer = await self._http.send(_with_token(call, token))
        if answer.status == 401:
            self._tokens.forget(access, token)
            token = await self._tokens.token(access)
            answer = await self._http.send(_with_token(call, token))
        return answer if answer.status < 400 else _without_token(answer, token)

    def _items(self, answer: Answer, access: Access) -> list[bytes]:
        if answer.body.count(b",") > MAX_JSON_PARTS:
            raise ProtocolViolationError(f"{access.name} answered more parts than any page has")
        try:
            items = array_items(answer.body, "data")
        except JsonError as error:
            raise ProtocolViolationError(
                f"{access.name} answered no list of footprints: {error.message}"
            ) from error
        if len(items) > MAX_PAGE_ITEMS:
            raise ProtocolViolationError(
                f"{access.name} put {len(items)} items on one page, more than {MAX_PAGE_ITEMS}"
            )
        return items

    def _member(self, answer: Answer, access: Access) -> bytes:
        try:
            document = loads(answer.body, limits=self._limits)
            if isinstance(document, dict) and "data" in document:
                return object_member(answer.body, "data")
        except JsonError as error:
            raise ProtocolViolationError(
                f"{access.name} answered no footprint: {error.message}"
            ) from error
        raise ProtocolViolationError(f'{access.name} answered a footprint without "data"')


def next_link(header: str | None, page_url: str, access: Access) -> str | None:
    """The `rel="next"` target of a `Link` header (RFC 8288).

    Args:
        header: all values of the header, joined by commas.
        page_url: what a relative target is relative to.
        access: whose link it is.

    Raises:
        ProtocolViolationError: it leads to another origin, where a token must not go.
    """
    for target, parameters in LINK.findall(header or ""):
        if "next" not in _relations(parameters):
            continue
        # A fragment means nothing to a server: this is a URN that was pasted in as it is.
        url = str(urljoin(page_url, target.strip().replace("#", "%23")))
        try:
            origin = origin_of(url)
        except AddressError as error:
            raise ProtocolViolationError(
                f"the next page of {access.name} cannot be fetched: {error.message}"
            ) from error
        if origin not in access.origins:
            raise ProtocolViolationError(
                f"the next page of {access.name} is said to be at {origin}, which is not "
                "the address of the peer",
                hint="The peer's server may be set up with a wrong public address.",
            )
        return url
    return None


def _relations(parameters: str) -> list[str]:
    """What the first parameter `rel` says; others do not count (section 3.3)."""
    for name, quoted, bare in PARAMETER.findall(parameters):
        if name.lower() == "rel":
            return str(quoted or bare).lower().split()
    return []


async def _beside(work: Callable[[Answer, Access], T], answer: Answer, access: Access) -> T:
    """Take an answer apart; a large one beside the event loop, which has other peers to serve."""
    if len(answer.body) <= READ_AT_ONCE_BYTES:
        return work(answer, access)
    return await asyncio.to_thread(work, answer, access)


def refusal(answer: Answer, access: Access, what: str) -> AnswerError:
    """An error answer as an exception, with the peer's own words."""
    said = _message_of(answer)
    return AnswerError(
        f"{access.name} answered {answer.status} for {what}{': ' + said if said else ''}",
        status=answer.status,
        retry_after_seconds=answer.retry_after_seconds,
    )


def _message_of(answer: Answer) -> str:
    """The message of a PACT error, limited and on one line; nothing when there is none."""
    try:
        document = loads(answer.body, limits=JsonLimits(max_bytes=MAX_EVENT_ANSWER_BYTES))
    except JsonError:
        return ""
    if not isinstance(document, Mapping):
        return ""
    words = [document.get("code"), document.get("message")]
    text = " - ".join(word for word in words if isinstance(word, str))
    return " ".join(text.split())[:MAX_MESSAGE_CHARACTERS]


def _with_token(call: Call, token: str) -> Call:
    return replace(call, headers={**call.headers, "authorization": f"Bearer {token}"})


def _without_token(answer: Answer, token: str) -> Answer:
    """An error without our token in it: some servers repeat what they refuse."""
    body = answer.body
    for form in (token, token.replace("/", "\\/")):
        body = body.replace(form.encode(), b"[token]")
    return replace(answer, body=body)
