"""What a supplier says of its product with an endorsed value: unit, mass, method, period.

All of it stands in the core of the footprint that the value is of, so its customers know it.

- The amount of the declared unit is a decimal without superfluous digits, above 0.
- The mass is an integer of 10^-9 kg (`numbers`), 0 for what has none; that of kilograms is the
  amount.
- Assessment reports (the sets of GWP) and standards (the methods) are sets: sorted by code points.
- Times are whole seconds since 1970; fractions are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from underseal_protocol.carbon import UNITS
from underseal_protocol.decimals import format_decimal, parse_decimal
from underseal_protocol.errors import (
    DecimalError,
    EndorsementError,
    SealNumberError,
    TimeError,
)
from underseal_protocol.seal.numbers import WIDE_BITS, figure, nano, require_bits
from underseal_protocol.seal.printable import is_printable
from underseal_protocol.times import parse_time

__all__ = ["MAX_SECONDS", "Terms", "mass_of", "require_second", "seconds_of"]

MAX_SECONDS = 253_402_300_799  # 9999-12-31T23:59:59Z
MAX_AMOUNT_CHARACTERS = 40
KILOGRAM = "kilogram"
MAX_NAMES = 20
MAX_NAME_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for an endorsed value.

    Args:
        amount: `declaredUnitAmount`.
        unit: `declaredUnitOfMeasurement`, one of PACT's.
        mass: of the declared unit, in 10^-9 kg.
        assessment_reports: `ipccCharacterizationFactors`.
        standards: `crossSectoralStandards`.
        period_start, period_end: the reference period, in seconds since 1970.

    Raises:
        EndorsementError: one of them is not in the form above.
    """

    amount: str
    unit: str
    mass: int
    assessment_reports: tuple[str, ...]
    standards: tuple[str, ...]
    period_start: int
    period_end: int

    MEMBERS: ClassVar[frozenset[str]] = frozenset(
        [
            *("crossSectoralStandards", "declaredUnitAmount", "declaredUnitOfMeasurement"),
            *("ipccCharacterizationFactors", "mass", "referencePeriodEnd", "referencePeriodStart"),
        ]
    )

    def __post_init__(self) -> None:
        if _normal_amount(self.amount) != self.amount:
            raise EndorsementError(
                f"the declared amount is {_shown(self.amount)}, expected "
                f"{_normal_amount(self.amount)!r}"
            )
        if self.unit not in UNITS:
            raise EndorsementError(
                f"the declared unit is {_shown(self.unit)}, expected one of {', '.join(UNITS)}"
            )
        try:
            require_bits(self.mass, WIDE_BITS, "the mass of the declared unit")
            if self.unit == KILOGRAM:
                amount = parse_decimal(self.amount)
                if self.mass != nano(amount, WIDE_BITS, "the declared amount"):
                    raise _other_mass(amount, Decimal(self.mass).scaleb(-9))
        except SealNumberError as error:
            raise EndorsementError(error.message, hint=error.hint) from None
        _require_names(self.assessment_reports, "assessment reports")
        _require_names(self.standards, "standards")
        for second in (self.period_start, self.period_end):
            require_second(second, "an end of the reference period")
        if self.period_start >= self.period_end:
            raise EndorsementError("the reference period ends before it begins")

    @classmethod
    def of_footprint(cls, document: Mapping[str, Any]) -> Terms:
        """Those of a footprint.

        Args:
            document: as read by `strict_json.loads`; its core is enough.

        Raises:
            EndorsementError: something is missing, or cannot be endorsed.
        """
        pcf = document.get("pcf")
        if not isinstance(pcf, Mapping):
            raise EndorsementError("the footprint has no pcf, so it is none")
        amount = _normal_amount(pcf.get("declaredUnitAmount"))
        try:
            mass = mass_of(pcf)
        except SealNumberError as error:
            raise EndorsementError(error.message, hint=error.hint) from None
        return cls(
            amount,
            str(pcf.get("declaredUnitOfMeasurement")),
            mass,
            _names(pcf, "ipccCharacterizationFactors"),
            _names(pcf, "crossSectoralStandards"),
            seconds_of(pcf.get("referencePeriodStart"), "referencePeriodStart"),
            seconds_of(pcf.get("referencePeriodEnd"), "referencePeriodEnd"),
        )

    def to_json(self) -> dict[str, Any]:
        """The members of the signed claims."""
        return {
            "crossSectoralStandards": list(self.standards),
            "declaredUnitAmount": self.amount,
            "declaredUnitOfMeasurement": self.unit,
            "ipccCharacterizationFactors": list(self.assessment_reports),
            "mass": str(self.mass),  # JSON has no integers of 64 bits
            "referencePeriodEnd": self.period_end,
            "referencePeriodStart": self.period_start,
        }

    @classmethod
    def of_claims(cls, claims: Mapping[str, Any]) -> Terms:
        """The inverse of `to_json`.

        Args:
            claims: with all of `MEMBERS`, and perhaps others.

        Raises:
            EndorsementError: one is not in its one form.
        """
        return cls(
            _text(claims, "declaredUnitAmount"),
            _text(claims, "declaredUnitOfMeasurement"),
            _integer(_text(claims, "mass")),
            _texts(claims, "ipccCharacterizationFactors"),
            _texts(claims, "crossSectoralStandards"),
            claims["referencePeriodStart"],
            claims["referencePeriodEnd"],
        )


def mass_of(pcf: Mapping[str, Any]) -> int:
    """The mass of the declared unit of a footprint in 10^-9 kg, half to even.

    Whoever could state another mass of a kilogram could make any mass balance hold.

    Raises:
        SealNumberError: it is not there, negative, or too large; or a kilogram has another mass.
    """
    what = "the mass of the product"
    mass = figure(pcf.get("productMassPerDeclaredUnit"), what)
    found = nano(mass, WIDE_BITS, what)
    if pcf.get("declaredUnitOfMeasurement") == KILOGRAM:
        amount = figure(pcf.get("declaredUnitAmount"), "the declared amount")
        if mass != amount:
            raise _other_mass(amount, mass)
    return found


def _other_mass(amount: Decimal, mass: Decimal) -> SealNumberError:
    return SealNumberError(
        f"the declared unit is {format_decimal(amount)} kilogram, and its mass "
        f"{format_decimal(mass)} kg",
        hint="They are the same thing: publish a footprint that states one mass.",
    )


def seconds_of(value: Any, what: str) -> int:
    """A point in time of a footprint in whole seconds since 1970.

    Raises:
        EndorsementError: it is none, or before 1970.
    """
    try:
        moment: datetime = parse_time(value)
    except TimeError as error:
        raise EndorsementError(f"{what}: {error.message}") from None
    return require_second(int(moment.replace(microsecond=0).timestamp()), what)


def require_second(value: Any, what: str) -> int:
    """Whether it is a second from 1970 until before the year 10000.

    Raises:
        EndorsementError: it is not.
    """
    if type(value) is not int or not 0 <= value <= MAX_SECONDS:
        raise EndorsementError(f"{what} is {_shown(value)}, expected whole seconds since 1970")
    return value


def _normal_amount(value: Any) -> str:
    """A decimal above 0 without superfluous digits."""
    try:
        number = parse_decimal(value)
    except DecimalError as error:
        raise EndorsementError(f"the declared amount: {error.message}") from None
    text = format_decimal(number).lstrip("+0")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    text = f"0{text}" if not text or text[0] == "." else text
    if number <= 0 or len(text) > MAX_AMOUNT_CHARACTERS:
        raise EndorsementError(
            f"the declared amount is {_shown(value)}, expected more than 0 in at most "
            f"{MAX_AMOUNT_CHARACTERS} characters"
        )
    return text


def _names(pcf: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = pcf.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise EndorsementError(f"the footprint has no list {name}")
    return tuple(sorted(set(found)))


def _require_names(names: Sequence[str], what: str) -> None:
    if not 1 <= len(names) <= MAX_NAMES:
        raise EndorsementError(f"there are {len(names)} {what}, expected 1 to {MAX_NAMES}")
    for name in names:
        if not 0 < len(name) <= MAX_NAME_CHARACTERS or not is_printable(name):
            raise EndorsementError(
                f"among the {what} is {_shown(name)}, expected 1 to {MAX_NAME_CHARACTERS} "
                "printable characters"
            )
    if list(names) != sorted(set(names)):
        raise EndorsementError(f"the {what} are not sorted, or one is there twice")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str):
        raise EndorsementError(f"the endorsement has {name} = {_shown(value)}, expected a text")
    return value


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = claims[name]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise EndorsementError(f"the endorsement has {name} = {_shown(value)}, expected texts")
    return tuple(value)


def _integer(text: str) -> int:
    """A decimal integer in its one form, of at most 20 digits."""
    is_integer = text.isascii() and text.isdigit() and len(text) <= 20
    if not is_integer or str(int(text)) != text:
        raise EndorsementError(f"the mass is {_shown(text)}, expected an integer of 10^-9 kg")
    return int(text)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:60] + "..."
