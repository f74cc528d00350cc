"""A node in this process: its home, settings, database, keys and identity."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from underseal_node.clock import Clock, utc_now
from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.settings import Settings, load_settings
from underseal_node.store import identity as identities
from underseal_node.store import key_log
from underseal_node.store.database import Store, open_store
from underseal_node.store.identity import Identity
from underseal_node.trust import keyring
from underseal_node.trust.master_key import create_master_key
from underseal_node.trust.own_keys import OwnState, TokenKeys, load_state, load_token_keys
from underseal_node.trust.tokens import AccessTokens
from underseal_node.trust.vault import Vault, VaultPurpose, open_vault
from underseal_protocol.keys import KeyPurpose, PublicKey, PublicKeySet, SigningKey
from underseal_protocol.onboarding import MAX_NAME_CHARACTERS

if TYPE_CHECKING:
    from underseal_node.exchange.exchange import Exchange

__all__ = ["Identity", "Node", "Role", "create_node", "node_url", "open_node", "public_vault"]

PUBLIC_PURPOSES = (VaultPurpose.TOKEN_KEY, VaultPurpose.ENDORSEMENT)
# Rotated keys and a new address are noticed by every process after this time at the latest.
LOOK_AGAIN_SECONDS = 1.0


class Role(StrEnum):
    """What a process does; it decides which keys it can open."""

    MANAGE = "manage"
    PUBLIC = "public"


@dataclass
class Node:
    """What every part of the program is given.

    Attributes:
        home: the directory of the node.
        settings: the settings in force.
        store: the database.
        vault: opens what this process needs; in the public role only the access-token key, and the
            endorsements that are handed out.
        own: address and keys as this process last saw them; use the properties.
        clock: what time it is.
        role: what this process does.
        exchange: what it remembers of its peers; see `exchange.exchange.exchange_of`.
    """

    home: Home
    settings: Settings
    store: Store
    vault: Vault
    own: OwnState
    clock: Clock = utc_now
    role: Role = Role.MANAGE
    exchange: Exchange | None = field(default=None, repr=False)
    _keys: dict[str, SigningKey] = field(default_factory=dict, repr=False)
    _token_keys: TokenKeys | None = field(default=None, repr=False)
    _client_keys: tuple[int, Sequence[SigningKey]] | None = field(default=None, repr=False)
    _look_again_at: float = field(default=float("-inf"), repr=False)
    _is_watched: bool = field(default=False, repr=False)

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return self.clock()

    @property
    def identity(self) -> Identity:
        """The company and the URL of the node."""
        return self.current().identity

    @property
    def public_keys(self) -> PublicKeySet:
        """Every public key of this node that is not revoked."""
        return self.current().public_keys

    def urls(self) -> Sequence[str]:
        """Every address that the node has or had; the present one first."""
        return self.current().urls

    def current(self) -> OwnState:
        """Address and keys, at most `LOOK_AGAIN_SECONDS` old: another process may change them.

        While `watch` runs, what it has seen: whoever answers requests must not wait for a database
        that is away.
        """
        if not self._is_watched and time.monotonic() >= self._look_again_at:
            self.refresh()
        return self.own

    def refresh(self) -> OwnState:
        """Address and keys as they are in the database now; cheap when nothing has changed."""
        known = self.own.number
        return self._take(self.store.read_sync(lambda session: _changed_state(session, known)))

    async def watch(self) -> None:
        """Look again and again, beside the event loop, until cancelled."""
        self._is_watched = True
        try:
            while True:
                with suppress(SQLAlchemyError):  # it was away for long; what is known goes on
                    await self.look()
                await asyncio.sleep(LOOK_AGAIN_SECONDS / 2)
        finally:
            self._is_watched = False

    async def look(self) -> OwnState:
        """As `refresh`, beside the event loop."""
        known = self.own.number
        return self._take(await self.store.read(lambda session: _changed_state(session, known)))

    def _take(self, found: OwnState | None) -> OwnState:
        self._look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
        if found is not None and found.number >= self.own.number:
            self.own = found
        return self.own

    def signing_key(self, purpose: KeyPurpose) -> SigningKey:
        """The key this node signs with; decrypted when first asked for.

        Raises:
            ConfigurationError: there is none.
            VaultError: a process in the public role asks for another key than the access-token key.
        """
        used = self._keys.get(self.current().in_use.get(purpose, ""))
        if used is None:
            used = self.store.read_sync(
                lambda session: keyring.signing_key(session, self.vault, purpose)
            )
            self._keys[used.kid] = used
        return used

    def client_keys(self) -> Sequence[SigningKey]:
        """The client keys that peers may know: the one in use first, then those before it."""
        number = self.current().number
        if self._client_keys is None or self._client_keys[0] != number:
            found = self.store.read_sync(lambda session: keyring.client_keys(session, self.vault))
            self._client_keys = number, found
        return self._client_keys[1]

    def token_keys(self, *, look: bool = False) -> TokenKeys:
        """What access tokens are signed and checked with; the same object while nothing changes.

        Args:
            look: look into the database first, whenever that was done last.

        Raises:
            ConfigurationError: there is no key for access tokens.
        """
        state = self.refresh() if look else self.current()
        if self._token_keys is None or self._token_keys.number != state.number:
            self._token_keys = self.store.read_sync(
                lambda session: load_token_keys(session, self.vault, state)
            )
        return self._token_keys

    def access_tokens(self) -> AccessTokens:
        """A new issuer and verifier of access tokens, with an empty cache."""
        return AccessTokens(
            self.token_keys,
            self.settings.token_lifetime_seconds,
            cache_size=self.settings.token_cache_size,
        )

    def close(self) -> None:
        """Finish writes under way and close the database."""
        self.store.close()


def create_node(
    home_path: Path | str,
    *,
    company_name: str,
    company_ids: Sequence[str],
    url: str,
    recovery: PublicKey | None = None,
    clock: Clock = utc_now,
) -> Home:
    """Set up a node in an empty home: master key, database, signing keys, identity.

    When it was interrupted it can be called again.

    Args:
        home_path: the home directory.
        company_name: as it is written into footprints.
        company_ids: URNs of the company, at least one.
        url: where peers reach it, `https://HOST[:PORT][/PATH]`.
        recovery: the public half of the key that alone can revoke the others.
        clock: what time it is.

    Raises:
        ConfigurationError: there is a node already, or an argument is not allowed.
    """
    identity = checked_identity(company_name, company_ids, url)
    home = Home(home_path)
    home.prepare()
    settings = load_settings(home)
    create_master_key(home, settings)
    vault = open_vault(home, settings)
    store = open_store(settings, home, clock=clock)

    def first_rows(session: Session) -> None:
        identities.create(session, identity, clock())
        keyring.ensure_keys(session, vault, identity.url, clock(), recovery=recovery)

    try:
        store.write_sync(first_rows)
    finally:
        store.close()
    home.finish(has_keyring=settings.master_key_keyring)
    return home


def checked_identity(company_name: str, company_ids: Sequence[str], url: str) -> Identity:
    """An identity that footprints can be published under.

    Raises:
        ConfigurationError: an argument is empty or malformed.
    """
    if not company_name.strip():
        raise ConfigurationError("the company name is empty")
    if len(company_name.strip()) > MAX_NAME_CHARACTERS:
        raise ConfigurationError(
            f"the company name has {len(company_name.strip())} characters, "
            f"expected at most {MAX_NAME_CHARACTERS}"
        )
    if not company_ids:
        raise ConfigurationError(
            "a company id is needed", hint="Such as urn:lei:..., with --company-id."
        )
    for company_id in company_ids:
        if not company_id.lower().startswith("urn:"):
            raise ConfigurationError(
                f"the company id {company_id!r} is not a URN",
                hint="Write it as urn:NAMESPACE:ID, such as urn:lei:529900T8BM49AURSDO55.",
            )
    return Identity(company_name.strip(), tuple(company_ids), node_url(url))


def node_url(url: str) -> str:
    """The URL of a node in the form in which it issues: no trailing slash, host in lower case.

    Raises:
        ConfigurationError: it is not an https URL of a host, or has a query or a fragment.
    """
    hint = "Write it as https://HOST[:PORT][/PATH]."
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{url!r} is not a URL: {error}", hint=hint) from error
    if parts.username is not None or parts.query or parts.fragment:
        # Not repeated: there may be a password in it.
        raise ConfigurationError("the URL has more than host, port and path", hint=hint)
    visible = all("!" <= character <= "~" for character in url.strip())
    if parts.scheme.lower() != "https" or not parts.hostname or not visible:
        raise ConfigurationError(f"{url!r} is not an https URL", hint=hint)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port in (None, 443) else f"{host}:{port}"
    return f"https://{authority}{parts.path.rstrip('/')}"


def open_node(
    home_path: Path | str,
    *,
    role: Role | str = Role.MANAGE,
    settings: Settings | None = None,
    vault: Vault | None = None,
    clock: Clock = utc_now,
) -> Node:
    """Open the node in a home, migrating its database if needed.

    Args:
        home_path: the home directory.
        role: a public process gets a vault for the access-token key and endorsements only.
        settings: in force; read from the environment and the home by default.
        vault: handed over by the parent process; otherwise the master key is read.
        clock: what time it is.

    Raises:
        ConfigurationError: there is no node, or it is set up wrongly.
    """
    home = Home(home_path)
    home.require()
    settings = settings or load_settings(home)
    vault = vault or open_vault(home, settings)
    if role == Role.PUBLIC:
        vault = public_vault(vault)
    home.make_directories()
    store = open_store(settings, home, clock=clock)
    try:
        if role == Role.MANAGE:
            _complete(store, vault, clock)
        own = store.read_sync(load_state)
    except BaseException:
        store.close()
        raise
    return Node(home, settings, store, vault, own, clock, Role(role))


def _complete(store: Store, vault: Vault, clock: Clock) -> None:
    """Make what a node of an earlier version does not have yet."""
    if store.read_sync(keyring.is_complete):
        return

    def work(session: Session) -> None:
        url = identities.load(session).url
        keyring.ensure_keys(session, vault, url, clock())

    store.write_sync(work)


def _changed_state(session: Session, known: int) -> OwnState | None:
    """The present state; `None` if it is the known one still."""
    return None if key_log.newest_number(session) == known else load_state(session)


def public_vault(vault: Vault) -> Vault:
    """What a worker of the public listener may open; it can be pickled and handed over."""
    return vault.derived(PUBLIC_PURPOSES)
