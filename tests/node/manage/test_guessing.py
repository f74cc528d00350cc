"""Small numbers cannot be guessed from any digest that leaves a node.

A quantity of a recipe is one of a few hundred values. Who knows everything else about a line needs
one digest over it, without a salt or with a salt that is known, to try them all. This attacker has
all that a customer, an auditor and a witness of the audit log get of one footprint: every digest
in it, and every salt. That it would find something is shown with nodes that are careless.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import httpx
import pytest
from tests.committed import publish_committed
from tests.node.manage.conftest import Company, Document, Market

from underseal_node.exchange.sequencer import Sequencer
from underseal_protocol import base64url, merkle, sd_jwt
from underseal_protocol.canonical import canonical_bytes, digest
from underseal_protocol.commitment import commit
from underseal_protocol.disclosure import Block, Level, split

QUANTITIES = [f"0.{number:02}" for number in range(5, 100)] + ["1.00"]
SECRET = "0.38"
LINES: list[Document] = [
    {"kind": "line", "id": f"line-{number:02}", "material": f"CAS {number}", "quantity": SECRET}
    for number in range(16)  # no padding, so that the neighbour of the hidden line is opened
]
HIDDEN = LINES[7]
RECYCLED = {"pcf": {"recycledCarbonContent": SECRET}}

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_DIGESTS = re.compile(r"(?<![A-Za-z0-9_-])(?:[0-9a-f]{64}|[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])")
_SALTS = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")


@dataclass
class Attacker:
    """Has heard something, and tries what a digest in it could be of.

    Attributes:
        digests: every text that may be one, as bytes.
        salts: every text that may be one, and what it may stand for.
    """

    digests: set[bytes] = field(default_factory=set)
    salts: set[bytes] = field(default_factory=lambda: {b""})
    heard: set[str] = field(default_factory=set)

    def hear(self, text: str) -> None:
        """Look at a text, and at every text that is inside of it as base64url."""
        if text in self.heard:
            return
        self.heard.add(text)
        for found in _DIGESTS.findall(text):
            self.digests.add(bytes.fromhex(found) if len(found) == 64 else decoded(found))
        for found in _SALTS.findall(text):
            self.salts |= {found.encode(), decoded(found)}
        for token in _TOKEN.findall(text):
            inner = decoded(token) if len(token) > 43 else b""
            if inner[:1] in (b"{", b"["):
                self.hear(inner.decode("utf-8", "replace"))

    def guess(self, contents: Callable[[str], Iterable[Any]]) -> set[str]:
        """The quantities for which something that was heard is a digest.

        Args:
            contents: what may have been hashed, if the quantity was this one.
        """
        return {
            quantity
            for quantity in QUANTITIES
            if any(self._is_heard(one) for one in contents(quantity))
        }

    def _is_heard(self, content: Any) -> bool:
        texts = [canonical_bytes(content), json.dumps(content).encode()]
        if isinstance(content, str):
            texts.append(content.encode())
        leaves = set()
        for salt, text in ((salt, text) for salt in self.salts for text in texts):
            for entry in (salt + text, text + salt):
                leaves |= {hashlib.sha256(entry).digest(), merkle.leaf_hash(entry)}
        if leaves & self.digests:
            return True
        # One level up, with every hash as the neighbour; the salts were tried for the leaf itself.
        bare = {merkle.leaf_hash(text) for text in texts}
        pairs = ((leaf, other) for leaf in bare for other in self.digests)
        above = chain.from_iterable(
            (merkle.node_hash(leaf, other), merkle.node_hash(other, leaf)) for leaf, other in pairs
        )
        return any(one in self.digests for one in above)


def decoded(text: str) -> bytes:
    """As far as it can be decoded."""
    whole = text[: len(text) - (len(text) % 4 == 1)]
    return base64.urlsafe_b64decode(whole + "=" * (-len(whole) % 4))


def lines(quantity: str) -> Iterable[Any]:
    """What a careless commitment may have hashed of the hidden line."""
    yield {**HIDDEN, "quantity": quantity}
    yield quantity
    yield {"quantity": quantity}
    yield [HIDDEN["id"], quantity]


def blocks(quantity: str) -> Iterable[Any]:
    """What a careless credential may have hashed of the block `carbon`."""
    content = {"pcf": {"recycledCarbonContent": quantity}}
    yield content
    yield content["pcf"]
    yield [Block.CARBON.value, digest(content)]
    yield digest(content)
    yield quantity


def block_disclosures(attacker: Attacker) -> Callable[[str], Iterable[Any]]:
    """The same in the form of RFC 9901: a digest of the text, not of the JSON."""
    texts = [salt.decode("latin-1") for salt in attacker.salts]

    def contents(quantity: str) -> Iterable[Any]:
        value = digest({"pcf": {"recycledCarbonContent": quantity}})
        for salt in texts:
            yield sd_jwt.Disclosure.of_claim(salt, Block.CARBON.value, value).encoded

    return contents


def document_of(make: Callable[..., Document]) -> Document:
    made = make()
    made["pcf"] |= RECYCLED["pcf"]
    return made


# --- careless nodes -----------------------------------------------------------------------------


def opened_by(entries: Sequence[bytes]) -> str:
    """All but the hidden line, with their proofs, over a tree of these entries."""
    hashes = [merkle.leaf_hash(one) for one in entries]

    def nodes(level: int, position: int) -> bytes:
        if level == 0:
            return hashes[position]
        halves = (nodes(level - 1, 2 * position), nodes(level - 1, 2 * position + 1))
        return merkle.node_hash(*halves)

    return json.dumps(
        [
            [base64url.encode(one) for one in merkle.inclusion_proof(index, len(hashes), nodes)]
            for index, line in enumerate(LINES)
            if line is not HIDDEN
        ]
    )


def test_a_tree_without_salts_gives_it_away() -> None:
    attacker = Attacker()
    attacker.hear(opened_by([canonical_bytes(one) for one in LINES]))
    assert attacker.guess(lines) == {SECRET}


def test_a_tree_without_salts_gives_it_away_one_level_up() -> None:
    """Where the proof holds the node above the hidden line, and its neighbour is known."""
    hashes = [merkle.leaf_hash(canonical_bytes(one)) for one in LINES]
    above = merkle.node_hash(hashes[6], hashes[7])
    attacker = Attacker()
    attacker.hear(f"{base64url.encode(hashes[6])} {above.hex()}")
    assert attacker.guess(lines) == {SECRET}


def test_one_salt_for_all_lines_gives_it_away() -> None:
    salt = bytes(range(16))
    attacker = Attacker()
    attacker.hear(opened_by([salt + canonical_bytes(one) for one in LINES]))
    assert attacker.guess(lines) == set()
    attacker.hear(json.dumps({"salt": base64url.encode(salt)}))  # that of a line that is opened
    assert attacker.guess(lines) == {SECRET}


@pytest.mark.parametrize("salt", ["", "A" * 22])
def test_a_block_without_a_salt_of_its_own_gives_it_away(salt: str) -> None:
    encoded = sd_jwt.Disclosure.of_claim(salt, Block.CARBON.value, digest(RECYCLED)).encoded
    attacker = Attacker()
    attacker.hear(json.dumps({"_sd": [sd_jwt.disclosure_digest(encoded)], "other": salt}))
    assert attacker.guess(block_disclosures(attacker)) == {SECRET}


def test_a_plain_digest_of_a_block_gives_it_away() -> None:
    attacker = Attacker()
    attacker.hear(json.dumps({"digests": [digest(RECYCLED)]}))
    assert attacker.guess(blocks) == {SECRET}


def test_the_attacker_looks_into_tokens() -> None:
    inner = base64url.encode(json.dumps({"root": digest(SECRET), "salt": "B" * 22}).encode())
    attacker = Attacker()
    attacker.hear(f'{{"sdJwt": "eyJ.{inner}.x~{inner}~"}}')
    assert decoded(digest(SECRET)) in attacker.digests
    assert b"B" * 22 in attacker.salts


# --- this node ----------------------------------------------------------------------------------


class Wiretap(httpx.AsyncBaseTransport):
    """Hears all that a node answers to others."""

    def __init__(self, inner: httpx.AsyncBaseTransport, attacker: Attacker) -> None:
        assert isinstance(inner, httpx.ASGITransport)
        self.public: Any = inner.app
        self._inner = inner
        self._attacker = attacker
        self.paths: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        raw = b"".join([chunk async for chunk in answer.stream])  # type: ignore[union-attr]
        headers = list(answer.headers.raw)
        read = httpx.Response(answer.status_code, headers=headers, content=raw)
        self._attacker.hear(read.text + repr(headers))
        self.paths.add(request.url.path)
        stream = httpx.ByteStream(raw)
        return httpx.Response(answer.status_code, headers=headers, stream=stream)


async def receipts(buyer: Company, seller: Company, wiretap: Wiretap) -> None:
    """A pull, the signature on the receipt, and the pull that fetches it."""
    await buyer.pull("cathode")
    await wiretap.public.state.context.audit.flush()
    await Sequencer(seller.node).step()
    await buyer.pull("cathode")


async def test_nothing_that_leaves_the_node_gives_it_away(
    market: Market, document: Callable[..., Document]
) -> None:
    """A footprint at the level `total`, its status, receipts, the exported log, and an opening of
    all lines but one."""
    buyer, seller = await market.open("cell"), await market.open("cathode")
    await market.befriend(buyer, seller)
    attacker = Attacker()
    wiretap = Wiretap(market.internet.hosts["cathode.example"], attacker)
    market.internet.hosts["cathode.example"] = wiretap
    published = await publish_committed(seller.node, document_of(document), LINES)
    given = {"peer": "cell", "everything": True, "level": "total"}
    await seller.post("/grants", given, 201)
    await receipts(buyer, seller, wiretap)
    others = [one["id"] for one in LINES if one is not HIDDEN]
    path = f"/footprints/{published}/opening"
    opened = await seller.post(path, {"lines": others, "verifier": "Auditor"})
    await seller.post(f"/footprints/{published}/deprecate")
    await receipts(buyer, seller, wiretap)
    await seller.post("/audit/verify")
    export = (await seller.http.get("/audit/export")).text
    held = (await buyer.http.get("/audit/receipts")).text
    for text in (json.dumps(opened["opening"]), export, held):
        attacker.hear(text)

    # It has heard what there is to hear.
    assert {"/3/footprints", "/extensions/receipts"} <= wiretap.paths
    assert (published in export, '"lines-opened"' in export) == (True, True)
    assert "receipt" in held
    kept = seller.node.store.read_sync(lambda session: _commitment(session, published))
    (salted,) = (one for one in kept.salted if one.leaf == HIDDEN)
    assert salted.hash in attacker.digests
    assert kept.root in attacker.digests
    assert decoded(kept.digest) in attacker.digests
    shown = {one.salt for one in kept.salted if one.leaf != HIDDEN}
    assert shown <= attacker.salts
    assert salted.salt not in attacker.salts
    assert len(attacker.digests) > 60

    assert attacker.guess(lines) == set()
    assert attacker.guess(blocks) == set()
    assert attacker.guess(block_disclosures(attacker)) == set()
    # Nor if it sees the whole footprint, in which nothing of the recipe is.
    attacker.hear(json.dumps((await seller.get(f"/footprints/{published}"))["footprint"]))
    assert attacker.guess(lines) == set()
    # With the one salt that it must not have, it would.
    attacker.salts.add(salted.salt)
    assert attacker.guess(lines) == {SECRET}


def _commitment(session: Any, footprint_id: str) -> Any:
    from underseal_node.store import commitments

    return commitments.get(session, footprint_id)


def test_the_content_that_is_tried_is_the_one_that_is_hidden(
    document: Callable[..., Document],
) -> None:
    """Otherwise failing to guess would prove nothing."""
    assert split(document_of(document)).blocks[Block.CARBON] == RECYCLED
    assert next(iter(lines(SECRET))) == HIDDEN
    assert next(iter(blocks(SECRET))) == RECYCLED
    assert Block.CARBON not in Level.TOTAL.blocks
    assert commit(LINES).padding == ()
