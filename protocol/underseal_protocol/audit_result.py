"""What the check of an audit log has brought: what was compared, what is wrong, what stays open.

A check proves what it compared and no more. What that leaves open is said with every result, so
that nobody takes "no problem was found" for "nothing can have happened".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from underseal_protocol import base64url
from underseal_protocol.audit_check import Claim, Problem
from underseal_protocol.times import format_time
from underseal_protocol.witness import Witnesses

__all__ = ["Checked", "KeysFrom", "limits_of"]


class KeysFrom(StrEnum):
    """Who says with which keys the log has to be signed."""

    NODE = "node"  # the node itself, of its own log
    GIVEN = "given"  # whoever checks
    LOG = "log"  # the exported log: that proves nothing of whose it is


@dataclass(frozen=True)
class Checked:
    """What a check of a log brought.

    Attributes:
        size: entries in the log.
        root: hash of the tree over them.
        heads: signed heads that it was compared with.
        witnesses: receipts and acknowledgements of others that it was compared with.
        foreign: how many of these are of other nodes.
        problems: what is wrong.
        keys_from: who says with which keys it has to be signed.
        not_proved: what the check leaves open, each as the end of "it is not proved ...".
        url: who has signed the newest head; None without one.
        signed_at: when that was, by the clock of the signer.
        witnessed: the number of the last entry that what others hold reaches to; 0 if none.
    """

    size: int
    root: bytes
    heads: int
    witnesses: int
    foreign: int
    problems: Sequence[Problem]
    keys_from: KeysFrom
    not_proved: Sequence[str]
    url: str | None = None
    signed_at: datetime | None = None
    witnessed: int = 0

    @property
    def is_log_sound(self) -> bool:
        """Whether nothing is wrong with the log itself, whatever it was compared with."""
        return all(one.is_of_statement for one in self.problems)

    def to_json(self) -> dict[str, Any]:
        """As the management API and `underseal audit verify --json` show it."""
        signed = {} if self.signed_at is None else {"signedAt": format_time(self.signed_at)}
        return {
            "isSound": not self.problems,
            "isLogSound": self.is_log_sound,
            "size": self.size,
            "root": base64url.encode(self.root),
            "heads": self.heads,
            "witnesses": self.witnesses,
            "foreign": self.foreign,
            "problems": [
                {"kind": one.kind.value, "message": one.message}
                | ({} if one.number is None else {"number": one.number})
                for one in self.problems
            ],
            "keysFrom": self.keys_from.value,
            "notProved": list(self.not_proved),
            "witnessed": self.witnessed,
            **({} if self.url is None else {"url": self.url}),
            **signed,
        }


def limits_of(
    size: int,
    heads: Sequence[Claim],
    witnesses: Witnesses,
    *,
    keys_from: KeysFrom,
    revoked: Mapping[str, datetime],
) -> list[str]:
    """What a check leaves open, whatever it has found.

    Args:
        size: entries in the log.
        heads: what its signed heads say.
        witnesses: what others hold of it.
        keys_from: who says with which keys it has to be signed.
        revoked: names of revoked keys, with the instant since which each may have been in other
            hands.
    """
    limits = []
    if keys_from is KeysFrom.LOG:
        limits.append("whose log this is: no keys were given, so those that it names itself count")
    signed = Counter(one.kid for one in (*heads, *witnesses.claims))
    limits += [
        f"anything against whoever had the key {kid}, which is revoked since {format_time(since)}: "
        f"{signed[kid]} of the heads and statements are signed with it"
        for kid, since in revoked.items()
        if signed[kid]
    ]
    witnessed = witnesses.reach
    if witnessed < size:
        reason = (
            f"what others hold reaches to entry {witnessed}"
            if witnesses.claims
            else "nothing that others hold was compared"
        )
        limits.append(f"that entries were not made anew with the keys of the node: {reason}")
    what = f"did not go on after entry {size}" if size else "was always empty"
    limits.append(
        f"that the log {what}: without a key it can be cut back to an earlier head, by removing "
        "the newer ones too, and only a receipt or an export from after that head shows it"
    )
    return limits
