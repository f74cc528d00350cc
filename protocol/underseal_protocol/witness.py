"""What others hold of a log: receipts and acknowledgements, as lines of JSON.

A line is `{"kind": "receipt", "token": JWS}` or `{"kind": "acknowledgement", "token": JWS}`. One
side exports what it holds; the other checks its own log against it.
"""

from __future__ import annotations

from collections.abc import Iterable

from underseal_protocol import jws, strict_json
from underseal_protocol.audit_check import Claim
from underseal_protocol.errors import CredentialError, JsonError, ProtocolError
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.receipt import MAX_CHARACTERS, read_acknowledgement, read_receipt

__all__ = ["Witnesses", "read_witnesses"]

MAX_LINES = 100_000
RECEIPT, ACKNOWLEDGEMENT = "receipt", "acknowledgement"
_LIMITS = strict_json.JsonLimits(max_bytes=MAX_CHARACTERS + 1024, max_depth=4)


class Witnesses:
    """What was read.

    Attributes:
        claims: what this node has signed, with what it says of the log.
        forged: about each statement that names this node and is not signed by it, a sentence.
        foreign: how many statements are of others.
    """

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.forged: list[str] = []
        self.foreign = 0


def read_witnesses(lines: Iterable[str], *, url: str, keys: PublicKeySet) -> Witnesses:
    """Read what others hold.

    Args:
        lines: of the file.
        url: of the node whose log is checked.
        keys: every receipt key that it ever had.

    Raises:
        CredentialError: a line is none of these.
    """
    found = Witnesses()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if number > MAX_LINES:
            raise CredentialError(f"there are more than {MAX_LINES} lines")
        kind, token = _parts(line, number)
        try:
            issuer = jws.parse(token, max_characters=MAX_CHARACTERS).payload.get("iss")
        except CredentialError as error:
            raise CredentialError(f"line {number}: {error.message}") from error
        try:
            found.claims += _claims(kind, token, keys)
        except ProtocolError as error:
            if issuer == url:
                found.forged.append(f"line {number} names this node, but {error.message}")
            else:
                found.foreign += 1
    return found


def _parts(line: str, number: int) -> tuple[str, str]:
    try:
        value = strict_json.loads(line, limits=_LIMITS)
    except JsonError as error:
        raise CredentialError(f"line {number}: {error.message}") from error
    kind = value.get("kind") if isinstance(value, dict) else None
    token = value.get("token") if isinstance(value, dict) else None
    if kind not in (RECEIPT, ACKNOWLEDGEMENT) or not isinstance(token, str):
        raise CredentialError(f"line {number} is no receipt and no acknowledgement")
    return kind, token


def _claims(kind: str, token: str, keys: PublicKeySet) -> list[Claim]:
    if kind == RECEIPT:
        receipt = read_receipt(token, keys=keys)
        when = f"{receipt.issued_at:%Y-%m-%dT%H:%M:%SZ}"
        return [
            Claim(
                f"the receipt of {when} for {receipt.audience}",
                is_witness=True,
                size=receipt.head.size,
                root=receipt.head.root,
                number=receipt.number,
                leaf=receipt.leaf,
            )
        ]
    given = read_acknowledgement(token, keys=keys)
    source = f"the acknowledgement of {given.issued_at:%Y-%m-%dT%H:%M:%SZ} for {given.audience}"
    head = given.head
    return [
        Claim(
            source,
            is_witness=True,
            size=None if head is None else head.size,
            root=None if head is None else head.root,
            acknowledgement=given.digest,
        )
    ]
