"""When two identifiers are of the same legal entity, however they are written.

Whoever keeps a roster checks who an applicant is; that nobody gets two credentials in one epoch is
checked here. A second spelling must not do: `lei: 5299 00t8...` is who `529900T8...` is.
"""

from __future__ import annotations

import re
import unicodedata

from underseal_node.errors import RefusedError

__all__ = ["entity_key", "require_readable"]

_LEI = re.compile("[0-9a-z]{18}[0-9]{2}")
# What is written with letters of several of them, and looks like what is written with one.
_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "GEORGIAN")


def entity_key(entity: str) -> str:
    """What makes identifiers of legal entities equal.

    The LEI in it, if there is one; else its letters and digits. Case, width, spaces and punctuation
    do not count.

    Args:
        entity: an identifier, as an application has it.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", entity).casefold())
    words = "".join(one if one.isalnum() else " " for one in folded).split()
    plain = "".join(words)
    whole = plain.removeprefix("urn").removeprefix("lei")
    found = {one for one in (*words, whole) if _is_lei(one)}
    return found.pop() if len(found) == 1 else plain or folded


def require_readable(entity: str) -> None:
    """Refuse what a person cannot compare: what looks like another identifier, or like none.

    Args:
        entity: an identifier, as an application has it.

    Raises:
        RefusedError: it has letters of several scripts, superfluous spaces, or no letter or digit.
    """
    names = (unicodedata.name(one, "") for one in unicodedata.normalize("NFKC", entity))
    found = sorted({name.split()[0] for name in names if name.startswith(_SCRIPTS)})
    why = None
    if len(found) > 1:
        why = f"letters of several scripts ({', '.join(found)}), so it may look like another one"
    elif entity != " ".join(entity.split()):
        why = "superfluous spaces"
    elif not any(one.isalnum() for one in entity):
        why = "no letter and no digit"
    if why is not None:
        raise RefusedError(
            f"the legal entity {entity!r} has {why}",
            hint="Have the member apply with an identifier such as its LEI, typed by hand.",
        )


def _is_lei(text: str) -> bool:
    from stdnum import lei

    return _LEI.fullmatch(text) is not None and bool(lei.is_valid(text.upper()))
