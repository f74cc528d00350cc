"""Whether the content of a footprint is what its credential says.

The rules are listed in `credential`; these are 4, what 5 says of the content, and 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underseal_protocol import sd_jwt
from underseal_protocol.canonical import digest
from underseal_protocol.credential_claims import is_digest
from underseal_protocol.disclosure import Block, split
from underseal_protocol.errors import CredentialError, JsonError

__all__ = ["ContentMismatchError", "check_content", "check_given"]


class ContentMismatchError(CredentialError):
    """The footprint does not hold what its credential says."""


def check_given(block: Block, encoded: str, value: str) -> None:
    """A disclosure that was made before: of this block, and of what it holds now."""
    disclosure = sd_jwt.Disclosure.parse(encoded)
    if disclosure.name != block.value or disclosure.value != value:
        raise ContentMismatchError(
            f"the block {block.value!r} has the digest {value}, its disclosure says "
            f"{disclosure.value!r} of {disclosure.name!r}",
            hint="One of the two was altered after the draft was made.",
        )


def check_content(
    document: Mapping[str, Any], core_digest: Any, disclosed: Mapping[Block, str]
) -> None:
    """Compare what was signed with what is there."""
    parts = split(document)
    _compare("the core", parts.core, core_digest)
    for block, content in parts.blocks.items():
        if block in disclosed:
            _compare(f"the block {block.value!r}", content, disclosed[block])
        elif content:
            raise ContentMismatchError(
                f"the block {block.value!r} has content ({_names(content)}) but is not disclosed, "
                "so nothing proves it"
            )


def _compare(what: str, content: dict[str, Any], expected: Any) -> None:
    if not is_digest(expected):
        raise CredentialError(f"the digest of {what} is {expected!r}, expected 43 characters")
    try:
        actual = digest(content)
    except JsonError as error:
        raise ContentMismatchError(f"{what} was not signed like this: {error.message}") from error
    if actual != expected:
        raise ContentMismatchError(
            f"{what} is not what was signed: it has the digest {actual}, "
            f"the credential says {expected}",
            hint=f"Something in it was altered after signing. It holds {_names(content)}.",
        )


def _names(content: Mapping[str, Any]) -> str:
    """The properties of a part of a footprint, for a message."""
    pcf = content.get("pcf")
    inner = pcf if isinstance(pcf, dict) else {}
    names = [name for name in content if name != "pcf"] + [f"pcf.{name}" for name in inner]
    return ", ".join(names[:20]) + (" and more" if len(names) > 20 else "") if names else "nothing"
