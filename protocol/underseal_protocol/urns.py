"""Identifiers as URNs (RFC 8141) and the namespaces that matter for products and companies
(PACT 3.0, Product Identification and Classification).

The schema only demands `urn:` in front. Everything else that is wrong with an identifier is a
problem to tell, not a reason to refuse: of a number with a typing error, the rest is still a
footprint.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote
from uuid import UUID

from underseal_protocol.errors import UrnError
from underseal_protocol.uuids import is_uuid

__all__ = [
    "Urn",
    "UrnProblem",
    "check_urn",
    "make_cas_urn",
    "make_gtin_urn",
    "make_lei_urn",
    "make_pact_urn",
    "make_uuid_urn",
    "pact_buyer_id",
    "pact_product_id",
    "pact_supplier_id",
    "parse_urn",
]

# RFC 8141 section 2. `pchar` without what stands for itself in brackets: percent-encoding.
_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_URN = re.compile(
    rf"[Uu][Rr][Nn]:(?P<nid>[A-Za-z0-9][A-Za-z0-9-]{{0,30}}[A-Za-z0-9]):"
    rf"(?P<nss>{_PCHAR}(?:{_PCHAR}|/)*)"
    rf"(?:\?\+(?P<r>{_PCHAR}(?:{_PCHAR}|/|\?(?!=))*))?"
    rf"(?:\?=(?P<q>{_PCHAR}(?:{_PCHAR}|[/?])*))?"
    rf"(?:\#(?P<f>(?:{_PCHAR}|[/?])*))?"
)
# An IRDI, with which ECLASS names a class, has `#` inside; written as it is, that is no URN.
_ECLASS = re.compile(r"[Uu][Rr][Nn]:(?P<nid>[Ee][Cc][Ll][Aa][Ss][Ss]):(?P<nss>[A-Za-z0-9\-._#]+)")

_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_GTIN = re.compile("[0-9]{8}|[0-9]{12,14}")
_LEI = re.compile("[A-Z0-9]{18}[0-9]{2}")
_CAS = re.compile("[1-9][0-9]{1,6}-[0-9]{2}-[0-9]")
_IDENTIFIER_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-._~]*")

CAS_DOMAIN, CAS_TYPE = "cas.org", "substance-number"
# Stands where a domain should, in examples of the specification and so in many footprints.
OLD_CLASSIFICATION, OLD_CAS_TYPE = "productclassification", "cas"
PCHAR_BESIDES_ALPHANUMERIC = "!$&'()*+,;=:@"  # `quote` lets -._~ stand anyway
MAX_CACHED_CHARACTERS = 120
SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Urn:
    """A URN, taken apart.

    Attributes:
        nid: the namespace, in lower case.
        nss: what it names inside of the namespace, as it was written.
        r_component: what follows `?+`; None if there is none.
        q_component: what follows `?=`; None if there is none.
        f_component: what follows `#`; None if there is none.
    """

    nid: str
    nss: str
    r_component: str | None = None
    q_component: str | None = None
    f_component: str | None = None

    def __str__(self) -> str:
        """As text, the namespace in lower case."""
        parts = [f"urn:{self.nid}:{self.nss}"]
        for mark, component in (
            ("?+", self.r_component),
            ("?=", self.q_component),
            ("#", self.f_component),
        ):
            if component is not None:
                parts.append(mark + component)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class UrnProblem:
    """What is wrong with an identifier.

    Attributes:
        message: one sentence, without the identifier.
        hint: what usually helps.
    """

    message: str
    hint: str | None = None


def parse_urn(text: str) -> Urn:
    """Take a URN apart. ECLASS identifiers with a bare `#` are tolerated.

    Raises:
        UrnError: it is not a URN by RFC 8141 section 2.
    """
    found = _URN.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        return Urn(found["nid"].lower(), found["nss"], found["r"], found["q"], found["f"])
    eclass = _ECLASS.fullmatch(text) if isinstance(text, str) else None
    if eclass is not None:
        return Urn(eclass["nid"].lower(), eclass["nss"])
    shown = repr(text if not isinstance(text, str) else text[:SHOWN_CHARACTERS])
    raise UrnError(f"{shown} is not a URN", hint=_syntax_hint(text))


def check_urn(text: str) -> list[UrnProblem]:
    """What is wrong with an identifier; nothing for namespaces that we do not know."""
    if len(text) <= MAX_CACHED_CHARACTERS:
        return list(_problems_cached(text))
    return list(_problems(text))


@lru_cache(maxsize=4096)
def _problems_cached(text: str) -> tuple[UrnProblem, ...]:
    return _problems(text)


def _problems(text: str) -> tuple[UrnProblem, ...]:
    try:
        urn = parse_urn(text)
    except UrnError as error:
        return (UrnProblem("it is not a URN by RFC 8141", error.hint),)
    check = _CHECKS.get(urn.nid)
    problem = None if check is None else check(urn)
    return () if problem is None else (problem,)


# --- making them ------------------------------------------------------------------------------


def make_gtin_urn(digits: str) -> str:
    """The URN of a GTIN.

    Args:
        digits: 8, 12, 13 or 14, the last of them the check digit; spaces and hyphens do not count.

    Raises:
        UrnError: there are more or fewer, or the check digit is wrong.
    """
    return _made(f"urn:gtin:{re.sub('[ -]', '', digits)}")


def make_lei_urn(lei: str) -> str:
    """The URN of a legal entity identifier (ISO 17442).

    Args:
        lei: 20 characters, the last two of them check digits.

    Raises:
        UrnError: it is none.
    """
    return _made(f"urn:lei:{lei.strip().upper()}")


def make_cas_urn(number: str) -> str:
    """The URN of a substance by its CAS registry number, in the form that PACT recommends.

    Args:
        number: with hyphens, the last digit being the check digit.

    Raises:
        UrnError: it is none.
    """
    return _made(f"urn:pact:{CAS_DOMAIN}:{CAS_TYPE}:{number.strip()}")


def make_uuid_urn(value: UUID | str) -> str:
    """The URN of a UUID (RFC 9562 section 4).

    Raises:
        UrnError: it is none.
    """
    return _made(f"urn:uuid:{str(value).lower()}")


def make_pact_urn(domain: str, kind: str, identifier: str) -> str:
    """`urn:pact:$domain-of-issuer$:$identifier-type$:$id$`.

    Args:
        domain: of who has issued the identifier, such as `catalog.example.com`.
        kind: such as `product-id`.
        identifier: any text; what a URN cannot hold is percent-encoded.

    Raises:
        UrnError: the domain is no full domain name, the kind no plain word, or the id is empty.
    """
    if not _IDENTIFIER_TYPE.fullmatch(kind):
        raise UrnError(f"{kind[:SHOWN_CHARACTERS]!r} is not a type of identifier")
    try:
        encoded = quote(identifier, safe=PCHAR_BESIDES_ALPHANUMERIC)
    except UnicodeEncodeError:
        raise UrnError("the identifier holds a lone surrogate") from None
    return _made(f"urn:pact:{domain.strip().lower()}:{kind}:{encoded}")


def pact_product_id(domain: str, identifier: str) -> str:
    """`make_pact_urn` of a product id that is neither the buyer's nor the supplier's own."""
    return make_pact_urn(domain, "product-id", identifier)


def pact_buyer_id(domain: str, identifier: str) -> str:
    """`make_pact_urn` of the number that a buyer has given a product."""
    return make_pact_urn(domain, "buyer-id", identifier)


def pact_supplier_id(domain: str, identifier: str) -> str:
    """`make_pact_urn` of the number that a supplier has given a product."""
    return make_pact_urn(domain, "supplier-id", identifier)


def _made(text: str) -> str:
    for problem in check_urn(text):
        raise UrnError(f"{text[:SHOWN_CHARACTERS]!r}: {problem.message}", hint=problem.hint)
    return text


# --- the namespaces ---------------------------------------------------------------------------


def _check_gtin(urn: Urn) -> UrnProblem | None:
    digits = urn.nss
    if not _GTIN.fullmatch(digits):
        return UrnProblem("a GTIN has 8, 12, 13 or 14 digits")
    from stdnum import ean

    expected = ean.calc_check_digit(digits[:-1])
    if digits[-1] == expected:
        return None
    return UrnProblem(
        f"the check digit of the GTIN is {digits[-1]}, expected {expected}",
        "Usually two digits are swapped or one is mistyped.",
    )


def _check_lei(urn: Urn) -> UrnProblem | None:
    code = urn.nss.upper()
    if not _LEI.fullmatch(code):
        return UrnProblem("an LEI has 18 letters and digits and two check digits")
    from stdnum import lei

    if lei.is_valid(code):
        return None
    return UrnProblem(
        "the check digits of the LEI are wrong", "Look it up at https://search.gleif.org."
    )


def _check_cas_number(number: str) -> UrnProblem | None:
    if not _CAS.fullmatch(number):
        return UrnProblem("a CAS number has the form 7732-18-5")
    from stdnum import casrn

    expected = casrn.calc_check_digit(number[:-1])
    if number[-1] == expected:
        return None
    return UrnProblem(f"the check digit of the CAS number is {number[-1]}, expected {expected}")


def _check_uuid(urn: Urn) -> UrnProblem | None:
    return None if is_uuid(urn.nss) else UrnProblem("it is not a UUID")


def _check_pact(urn: Urn) -> UrnProblem | None:
    parts = urn.nss.split(":", 2)
    if len(parts) < 3 or not parts[2]:
        return UrnProblem(
            "a pact URN has a domain, a type and an id",
            "Write urn:pact:your-domain.example:product-id:NUMBER.",
        )
    domain, kind, identifier = parts
    if domain.lower() == OLD_CLASSIFICATION:
        return _check_cas_number(identifier) if kind.lower() == OLD_CAS_TYPE else None
    if not _DOMAIN.fullmatch(domain):
        return UrnProblem(
            f"{domain[:SHOWN_CHARACTERS]!r} is not the full domain name of who has issued the id"
        )
    if (domain.lower(), kind.lower()) == (CAS_DOMAIN, CAS_TYPE):
        return _check_cas_number(identifier)
    return None


def _check_eclass(urn: Urn) -> UrnProblem | None:
    if "#" not in urn.nss and urn.f_component is None:
        return None
    return UrnProblem(
        "it holds #, which ends an address: systems that do not encode it will cut it off",
        "Write %23 instead of #, or the eight digits of the class.",
    )


def _syntax_hint(text: object) -> str | None:
    if not isinstance(text, str) or text[:4].lower() != "urn:":
        return "A URN begins with urn: and a namespace, as in urn:gtin:4712345060507."
    if text.count(":") < 2 or text.endswith(":"):
        return "After urn: come a namespace, a colon and the identifier."
    if re.search(r"\s", text):
        return "A URN holds no spaces; write %20 if one is part of the identifier."
    return "Write characters beyond letters, digits and -._~:@!$&'()*+,;=/ percent-encoded."


_CHECKS: dict[str, Callable[[Urn], UrnProblem | None]] = {
    "gtin": _check_gtin,
    "lei": _check_lei,
    "cas": lambda urn: _check_cas_number(urn.nss),
    "uuid": _check_uuid,
    "pact": _check_pact,
    "eclass": _check_eclass,
}
