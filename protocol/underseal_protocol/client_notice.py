"""What a node tells a partner about client ids: which one the partner has here from now on.

The notice is a client assertion of its own type (RFC 7523, `private_key_jwt`) that carries what it
says: whoever has only an access token of the sender cannot change anything, and a notice counts
once, at one node, for a minute. As the proof is the pinned client key, it may be sent under a
client id that has expired: that is how partners get out of a lapse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from underseal_protocol.claims import issue_time
from underseal_protocol.client_assertion import ClientAssertion, assert_client, verify_assertion
from underseal_protocol.errors import AssertionRefusedError, CredentialError
from underseal_protocol.keys import PublicKeySet, SigningKey

__all__ = [
    "CLIENT_IDS_PATH",
    "NOTICE_TYPE",
    "IssuedClient",
    "Notice",
    "make_notice",
    "read_notice",
]

CLIENT_IDS_PATH = "/extensions/credentials"
NOTICE_TYPE = "underseal-client-id+jwt"
MAX_CLIENT_ID_CHARACTERS = 200

_ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class IssuedClient:
    """A client id that a node has issued to a partner.

    Attributes:
        client_id: that the partner uses from now on.
        expires_at: when it ends; aware, whole seconds.
    """

    client_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that has been read and verified, but for its being used once.

    Attributes:
        sender: who has signed it.
        issued: the new client id; None for a sender that only wants its own renewed.
    """

    sender: ClientAssertion
    issued: IssuedClient | None


def make_notice(
    client_id: str, *, audience: str, key: SigningKey, now: datetime, issued: IssuedClient | None
) -> str:
    """Sign a notice, good for a minute.

    Args:
        client_id: of this node at the other one; it may have expired.
        audience: the issuer of the other node.
        key: the client key of this node.
        now: aware.
        issued: what the other node has here from now on; None to ask for nothing but a longer term
            of `client_id`.

    Raises:
        AssertionRefusedError: the key is for something else.
    """
    more = {}
    if issued is not None:
        ends = int(issued.expires_at.timestamp())
        more[_ISSUED] = {"client_id": issued.client_id, "expires_at": ends}
    return assert_client(client_id, audience=audience, key=key, now=now, typ=NOTICE_TYPE, more=more)


def read_notice(
    notice: str,
    *,
    keys: PublicKeySet,
    client_id: str,
    audience: str | Collection[str],
    now: datetime,
) -> Notice:
    """Check a notice, but for its being used once: the caller has a memory for that.

    Args:
        notice: as received.
        keys: pinned for the client.
        client_id: of the sender here (`client_assertion.client_of`).
        audience: the issuer of this node; under each of its names where it has just moved.
        now: aware.

    Raises:
        UnknownKeyError: it is signed with a key that is not pinned.
        AssertionRefusedError: it does not authenticate this client here and now, or says nothing
            that can be understood.
    """
    sender = verify_assertion(
        notice, keys=keys, client_id=client_id, audience=audience, now=now, typ=NOTICE_TYPE
    )
    return Notice(sender, _issued(sender.claims.get(_ISSUED)))


def _issued(value: object) -> IssuedClient | None:
    if value is None:
        return None
    client_id = value.get("client_id") if isinstance(value, Mapping) else None
    if (
        not isinstance(value, Mapping)
        or not isinstance(client_id, str)
        or not 0 < len(client_id) <= MAX_CLIENT_ID_CHARACTERS
        or not client_id.isprintable()
    ):
        raise AssertionRefusedError("the client id in the notice is no text of the usual length")
    try:
        return IssuedClient(client_id, issue_time(value.get("expires_at")))
    except CredentialError as error:
        raise AssertionRefusedError(
            f"the end of the client id in the notice is no instant: {error.message}"
        ) from None
