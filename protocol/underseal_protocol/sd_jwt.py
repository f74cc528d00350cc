"""SD-JWT (RFC 9901): claims that the issuer signs once and the holder discloses one by one.

Compact form: the issuer-signed JWT and the disclosures, each followed by `~` (section 4). A
disclosure is the base64url of `[salt, name, value]`, or of `[salt, value]` for an array element;
the JWT holds only its digest. Key binding is not used: a footprint is not presented by a person.

Nothing here checks signatures: that is `jws`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from underseal_protocol import base64url, strict_json
from underseal_protocol.canonical import digest_of_bytes
from underseal_protocol.errors import CredentialError, JsonError

__all__ = [
    "HASH_ALGORITHM",
    "Disclosure",
    "disclosure_digest",
    "join_compact",
    "new_salts",
    "reveal",
    "split_compact",
]

HASH_ALGORITHM = "sha-256"  # section 4.1.1
MAX_DISCLOSURES = 100
MAX_DISCLOSURE_CHARACTERS = 8192
SALT_CHARACTERS = 22  # of 6 bits each: more than the 128 bits of section 9.3

_RESERVED_NAMES = ("_sd", "...")
_LIMITS = strict_json.JsonLimits(max_bytes=MAX_DISCLOSURE_CHARACTERS, max_depth=16)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One disclosed claim (section 4.2).

    Attributes:
        encoded: as it travels; the digest is over exactly this text.
        name: of the claim; None for an array element.
        value: of the claim.
    """

    encoded: str
    name: str | None
    value: Any

    @property
    def digest(self) -> str:
        """What the issuer signed instead of the claim."""
        return disclosure_digest(self.encoded)

    @classmethod
    def parse(cls, encoded: str) -> Disclosure:
        """Read a disclosure (section 7.1, step 3.c.ii).

        Raises:
            CredentialError: it is not one.
        """
        if len(encoded) > MAX_DISCLOSURE_CHARACTERS:
            raise CredentialError(
                f"a disclosure has {len(encoded)} characters, "
                f"expected at most {MAX_DISCLOSURE_CHARACTERS}"
            )
        try:
            parts = strict_json.loads(base64url.decode(encoded), limits=_LIMITS)
        except (ValueError, JsonError) as error:
            raise CredentialError(f"a disclosure cannot be read: {error}") from error
        if not isinstance(parts, list) or len(parts) not in (2, 3) or not isinstance(parts[0], str):
            raise CredentialError("a disclosure is not [salt, name, value] or [salt, value]")
        if len(parts) == 2:
            return cls(encoded, None, parts[1])
        name = parts[1]
        if not isinstance(name, str) or name in _RESERVED_NAMES:
            raise CredentialError(f"a disclosure discloses a claim of the name {name!r}")
        return cls(encoded, name, parts[2])

    @classmethod
    def of_claim(cls, salt: str, name: str, value: Any) -> Disclosure:
        """Make a disclosure of an object property (section 4.2.1).

        Args:
            salt: base64url of at least 128 random bits, never used for another claim.
            name: of the claim.
            value: of the claim, JSON.
        """
        text = json.dumps([salt, name, value], ensure_ascii=False, separators=(",", ":"))
        return cls(base64url.encode(text.encode()), name, value)


def new_salts(count: int) -> list[str]:
    """Fresh salts, each a text of 132 random bits in the base64url alphabet.

    They are cut from one long text: a salt is used as text and never decoded, and one call of the
    random source costs as much as one salt.
    """
    text = secrets.token_urlsafe(SALT_CHARACTERS * count * 3 // 4 + 1)
    return [text[n * SALT_CHARACTERS : (n + 1) * SALT_CHARACTERS] for n in range(count)]


def disclosure_digest(encoded: str) -> str:
    """The digest of a disclosure as it travels (section 4.2.3)."""
    return digest_of_bytes(encoded.encode("ascii"))


def join_compact(jwt: str, disclosures: Iterable[str]) -> str:
    """The compact form (section 4)."""
    return "~".join([jwt, *disclosures, ""])


def split_compact(text: str) -> tuple[str, list[str]]:
    """Take the compact form apart: the issuer-signed JWT and the encoded disclosures.

    Raises:
        CredentialError: it does not end with `~` (it is a plain JWT or carries a key binding),
            holds an empty disclosure, the same one twice, or more than `MAX_DISCLOSURES`.
    """
    jwt, *disclosures = text.split("~")
    if not disclosures or disclosures[-1]:
        raise CredentialError(
            "an SD-JWT without key binding ends with '~' (RFC 9901 section 4); this does not"
        )
    disclosures.pop()
    if len(disclosures) > MAX_DISCLOSURES:
        raise CredentialError(
            f"the SD-JWT carries {len(disclosures)} disclosures, expected at most {MAX_DISCLOSURES}"
        )
    if "" in disclosures:
        raise CredentialError("the SD-JWT carries an empty disclosure")
    if len(set(disclosures)) != len(disclosures):
        raise CredentialError("the SD-JWT carries the same disclosure twice")
    return jwt, disclosures


def reveal(payload: dict[str, Any], disclosures: Iterable[str]) -> dict[str, Any]:
    """Put disclosed claims in the place of their digests (section 7.1, steps 3 to 5).

    Args:
        payload: of the issuer-signed JWT, its signature checked.
        disclosures: as they travel.

    Returns:
        The claims as the issuer meant them, without what is withheld, `_sd` and `_sd_alg`.

    Raises:
        CredentialError: another hash algorithm, a disclosure that the issuer did not sign, a
            digest that occurs twice, or a claim that is there already.
    """
    algorithm = payload.get("_sd_alg", HASH_ALGORITHM)
    if algorithm != HASH_ALGORITHM:
        raise CredentialError(f"_sd_alg is {algorithm!r}, expected {HASH_ALGORITHM!r}")
    parsed = [Disclosure.parse(encoded) for encoded in disclosures]
    revealing = _Revealing({item.digest: item for item in parsed})
    claims = revealing.object({k: v for k, v in payload.items() if k != "_sd_alg"})
    unused = revealing.unused()
    if unused is not None:
        raise CredentialError(
            f"the disclosure of {unused.name!r} has the digest {unused.digest!r}, "
            "which the issuer did not sign"
        )
    return claims


class _Revealing:
    """One run of section 7.1, step 3."""

    def __init__(self, by_digest: dict[str, Disclosure]) -> None:
        self._by_digest = by_digest
        self._seen: set[str] = set()

    def unused(self) -> Disclosure | None:
        """A disclosure that no signed digest stands for."""
        left = self._by_digest.keys() - self._seen
        return self._by_digest[min(left)] if left else None

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.object(value)
        if isinstance(value, list):
            return self._array(value)
        return value

    def object(self, value: dict[str, Any]) -> dict[str, Any]:
        digests = value.get("_sd", [])
        if not isinstance(digests, list):
            raise CredentialError("_sd is not an array of digests")
        claims = {name: self.value(member) for name, member in value.items() if name != "_sd"}
        for digest in digests:
            item = self._take(digest)
            if item is None:
                continue
            if item.name is None:
                raise CredentialError("an array element is disclosed in the place of a claim")
            if item.name in claims:
                raise CredentialError(f"the claim {item.name!r} is disclosed and there already")
            claims[item.name] = self.value(item.value)
        return claims

    def _array(self, value: list[Any]) -> list[Any]:
        items = []
        for element in value:
            if not isinstance(element, dict) or "..." not in element:
                items.append(self.value(element))
                continue
            if len(element) != 1:
                raise CredentialError('an array element with "..." holds something else as well')
            item = self._take(element["..."])
            if item is None:
                continue
            if item.name is not None:
                raise CredentialError(f"the claim {item.name!r} is disclosed as array element")
            items.append(self.value(item.value))
        return items

    def _take(self, digest: Any) -> Disclosure | None:
        if not isinstance(digest, str):
            raise CredentialError(f"a digest is {digest!r}, expected a text")
        if digest in self._seen:
            raise CredentialError(f"the digest {digest!r} occurs twice")
        self._seen.add(digest)
        return self._by_digest.get(digest)
