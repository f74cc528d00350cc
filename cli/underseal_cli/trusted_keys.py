"""The keys that the person at the terminal trusts: from a file, from a node, or pinned by a node.

A file is a JWK set, or a key log: then the keys are those of its newest entry, the node may have
moved, and what a revoked key signed is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from underseal_cli.errors import CliError
from underseal_cli.files import read_input
from underseal_cli.manage_client import Manage, base_url, fetch_keys, segment
from underseal_cli.options import manage_of

if TYPE_CHECKING:
    from underseal_protocol.errors import KeySetError
    from underseal_protocol.key_log import KeyLogEntry
    from underseal_protocol.keys import PublicKeySet

__all__ = ["TrustedKeys", "keys_in_file", "keys_of_node", "keys_of_peers", "keys_pinned"]


@dataclass(frozen=True)
class TrustedKeys:
    """Whom to trust, and who says so.

    Attributes:
        keys: the only ones.
        issuers: the URLs whose signature is expected; empty if the keys alone say it.
        source: where the keys are from.
        revoked: names of revoked keys, with the instant since which each may have been in other
            hands.
        before: the keys as they were, with those that are revoked now.
        is_of_file: from a file, which may be older than what the owner says of its keys today.
    """

    keys: PublicKeySet
    issuers: tuple[str, ...]
    source: str
    revoked: Mapping[str, datetime] = field(default_factory=dict)
    before: PublicKeySet | None = None
    is_of_file: bool = False

    @property
    def ever(self) -> PublicKeySet:
        """The keys as they were: those that are revoked now are among them, as far as known."""
        return self.keys if self.before is None else self.before

    def revoked_key(self, token: str) -> str | None:
        """The name of the key that a JWS is signed with, if it is revoked."""
        from underseal_protocol import jws

        kid = jws.named_key(token)
        return kid if kid in self.revoked else None

    def require_not_revoked(self, token: str) -> None:
        """Refuse what was signed with a revoked key.

        Args:
            token: a JWS.

        Raises:
            KeySetError: its key is revoked.
        """
        kid = self.revoked_key(token)
        if kid is not None:
            hint = "When it was signed is the signer's word alone. Ask its owner for a new one."
            raise self.revoked_error(kid, hint=hint)

    def revoked_error(self, kid: str, *, hint: str) -> KeySetError:
        """Says of a key that it is revoked, and since when it is not to be trusted."""
        from underseal_protocol.errors import KeySetError
        from underseal_protocol.times import format_time

        return KeySetError(
            f"it is signed with the key {kid!r}, which its owner has revoked: it may have been in "
            f"other hands since {format_time(self.revoked[kid])}",
            hint=hint,
        )

    def require_issuer(self, issuer: str) -> None:
        """Refuse what somebody else signed.

        Raises:
            CredentialError: the issuer is not one of those that are trusted.
        """
        from underseal_protocol.errors import CredentialError

        if self.issuers and issuer not in self.issuers:
            expected = " or ".join(map(repr, self.issuers))
            raise CredentialError(f"it was issued by {issuer!r}, expected {expected}")


def keys_in_file(file: Path) -> TrustedKeys:
    """From a JWK set or a key log.

    Raises:
        CliError: there is no key in it that can be used.
    """
    found = _read(read_input(file), f"the keys in {file}", str(file), ())
    return replace(found, is_of_file=True)


def keys_of_node(url: str) -> TrustedKeys:
    """Those that a node shows now.

    Raises:
        CliError: they cannot be had.
    """
    issuer = base_url(url)
    ca_file = os.environ.get("UNDERSEAL_CA_FILE")
    fetched = fetch_keys(issuer, Path(ca_file) if ca_file else None)
    return _read(fetched, f"the keys that {issuer} shows now", issuer, (issuer,))


def keys_pinned(context: typer.Context, peer: str) -> TrustedKeys:
    """Those that the node in the home has pinned for a peer.

    Raises:
        CliError: there are none, or the node does not answer.
    """
    from underseal_protocol.keys import PublicKeySet

    pinned = manage_of(context).get(f"/peers/{segment(peer)}/keys")
    if not pinned["keys"]:
        raise CliError(
            f"no keys of {peer} are pinned",
            hint="It is not an Underseal node, or was never reached.",
        )
    keys = PublicKeySet.from_jwks({"keys": pinned["keys"]})
    issuer = pinned.get("issuer")
    issuers = () if issuer is None else (issuer, *pinned.get("formerIssuers", ()))
    return TrustedKeys(keys, issuers, f"the keys pinned for the peer {peer}")


def keys_of_peers(manage: Manage) -> list[TrustedKeys]:
    """Those that the node in the home has pinned, of every peer that it has not ended with.

    Raises:
        CliError: the node does not answer.
    """
    from underseal_protocol.keys import PublicKeySet

    found = []
    for peer in manage.get("/peers")["data"]:
        if peer["state"] not in ("active", "suspended") or not peer["keyThumbprints"]:
            continue
        pinned = manage.get(f"/peers/{segment(peer['name'])}/keys")
        if pinned.get("issuer") is None:
            continue
        issuers = (pinned["issuer"], *pinned.get("formerIssuers", ()))
        keys = PublicKeySet.from_jwks({"keys": pinned["keys"]})
        found.append(TrustedKeys(keys, issuers, f"the keys pinned for the peer {peer['name']}"))
    return found


def _read(content: bytes, source: str, place: str, issuers: tuple[str, ...]) -> TrustedKeys:
    from underseal_protocol.errors import JsonError, KeyLogError, KeySetError
    from underseal_protocol.keys import PublicKeySet
    from underseal_protocol.strict_json import loads

    try:
        value = loads(content)
        if isinstance(value, dict) and isinstance(value.get("entries"), list):
            value = value["entries"]  # as a node shows it at /.well-known/underseal-key-log
        if isinstance(value, list):
            return _of_log(value, source)
        found = TrustedKeys(PublicKeySet.from_jwks(value), issuers, source)
    except (JsonError, KeySetError, KeyLogError) as error:
        raise CliError(f"{place}: {error.message}", hint=error.hint) from None
    if not found.keys:
        raise CliError(
            f"{place}: there is no key in it that can be used",
            hint="Signatures are made with P-256 keys (ES256).",
        )
    return found


def _of_log(tokens: list[Any], source: str) -> TrustedKeys:
    """
    Raises:
        KeyLogError: the entries are no key log.
    """
    from underseal_protocol.errors import KeyLogError
    from underseal_protocol.key_log import advance, read_entry

    texts = [one for one in tokens if isinstance(one, str)]
    if not texts or len(texts) < len(tokens):
        raise KeyLogError(
            "a list is taken for a key log, and this one does not consist of signed entries",
            hint='A key set is an object with an array "keys" (RFC 7517 section 5).',
        )
    shown = [read_entry(one) for one in texts]
    entries = advance(shown[:1], shown[1:])
    newest = entries[-1]
    # It may have signed before it moved.
    urls = dict.fromkeys([newest.url, *(one.url for one in shown)])
    return TrustedKeys(
        newest.keys, tuple(urls), f"{source}, a key log", dict(newest.revoked), _all_keys(entries)
    )


def _all_keys(entries: Sequence[KeyLogEntry]) -> PublicKeySet:
    from underseal_protocol.keys import PublicKeySet

    every = {key.kid: key for entry in entries for key in entry.keys}
    return PublicKeySet(list(every.values()))
