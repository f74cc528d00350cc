"""Exported audit logs and what others hold of them, as files of tests."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

from underseal_protocol.audit import issue_tree_head, make_entry
from underseal_protocol.audit_export import entry_line, head_line, log_line
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.merkle import Tree, leaf_hash
from underseal_protocol.receipt import Head, Received, issue_acknowledgement

__all__ = ["NOW", "ExportedLog"]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MEMBERS = {"time": "2026-03-01T12:00:00.000000Z", "actor": "node", "act": "a", "outcome": "done"}


class ExportedLog:
    """A log that grows, with a signed head now and then.

    Attributes:
        url: whose.
        key: with which heads are signed.
        keys: those that there were.
        heads: lines of the export.
        entries: lines of the export.
    """

    def __init__(self, url: str = "https://seller.example") -> None:
        self.url = url
        self.key = SigningKey.generate(KeyPurpose.RECEIPT)
        self.keys = PublicKeySet([self.key.public_key()])
        self.heads: list[bytes] = []
        self.entries: list[bytes] = []
        self._tree, self._before = Tree(), b""

    def grow(self, count: int) -> ExportedLog:
        """Some more entries, and the head after them."""
        for _ in range(count):
            number = len(self.entries) + 1
            body = make_entry(number, self._before or None, uuid.uuid4().bytes, MEMBERS)
            self._before = leaf_hash(body)
            self._tree.append(self._before)
            self.entries.append(entry_line(number, body.decode()))
        size, root = len(self.entries), self._tree.head()
        token = issue_tree_head(size=size, root=root, key=self.key, issuer=self.url, issued_at=NOW)
        self.heads.append(head_line(token))
        return self

    def rotate(self) -> SigningKey:
        """Another key from now on; the one before."""
        before, self.key = self.key, SigningKey.generate(KeyPurpose.RECEIPT)
        self.keys = PublicKeySet([*self.keys, self.key.public_key()])
        return before

    def lines(self) -> list[bytes]:
        """What `underseal audit export` writes."""
        return [log_line(self.url, self.keys), *self.heads, *self.entries]

    def held(self) -> str:
        """What a peer holds: that this node has received something, and where its log stands."""
        token = issue_acknowledgement(
            footprints=[Received(str(uuid.uuid4()), "A" * 43)],
            head=Head(len(self.entries), self._tree.head()),
            known_size=None,
            key=self.key,
            issuer=self.url,
            audience="https://other.example",
            issued_at=NOW,
        )
        return json.dumps({"kind": "acknowledgement", "token": token})
