"""The languages of the console: texts by gettext catalogues, dates and numbers by locale.

The catalogues are `locale/LANGUAGE/console.po`, read when they are first needed; `catalogues` keeps
them; `locale/LANGUAGE/node.po` has what the node itself says (refusals, findings, alerts). What a
peer or the operator has written, and figures, are never translated; of figures every digit is kept.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from importlib import resources

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from underseal_node.console.saying import sayings

__all__ = ["DEFAULT", "LANGUAGES", "Language", "chosen", "language"]

DEFAULT = "en"
LANGUAGES = {"en": "English", "de": "Deutsch", "zh": "中文"}
LOCALES = {"en": "en_GB", "de": "de_DE", "zh": "zh_Hans_CN"}
MAX_ACCEPTED = 20
# A figure with more is shown as it is written.
MAX_DIGITS = 60


@dataclass(frozen=True)
class Language:
    """One of the languages.

    Attributes:
        code: as in the attribute `lang` of a page.
        locale: how dates and numbers are written.
        translations: of the texts.
    """

    code: str
    locale: Locale
    translations: NullTranslations

    def text(self, message: str, **values: object) -> str:
        """A text in this language; `values` stand in it as `%(name)s`."""
        found: str = self.translations.gettext(message)
        return found % values if values else found

    def said(self, text: str) -> str | None:
        """What the node says, in this language; None if that is not known."""
        return text if self.code == DEFAULT else sayings(self.code, LOCALES[self.code]).text(text)

    def said_or_so(self, text: str) -> str:
        """The same, in English if it is not known."""
        found = self.said(text)
        return text if found is None else found

    def number(self, text: str | int | Decimal) -> str:
        """A decimal with the separators of the locale and every digit that it has.

        Args:
            text: as the node writes it; what is no decimal stays as it is.
        """
        try:
            number = Decimal(text)
        except InvalidOperation:
            return str(text)
        if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
            return str(text)
        symbols = self.locale.number_symbols["latn"]
        # Digit by digit: zeros at the end say how exact it is, and `abs` would round to 28.
        whole, _, fraction = format(number.copy_abs(), "f").partition(".")
        grouped = format_decimal(int(whole), format="#,##0", locale=self.locale)
        sign = symbols["minusSign"] if number.is_signed() else ""
        return f"{sign}{grouped}{symbols['decimal']}{fraction}" if fraction else f"{sign}{grouped}"

    def percent(self, share: str | Decimal, places: int = 1) -> str:
        """A share of 1 in percent, rounded.

        Args:
            share: as the node writes it; what is no decimal stays as it is.
            places: after the decimal separator.
        """
        try:
            number = Decimal(share)
        except InvalidOperation:
            return str(share)
        if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
            return str(share)
        with localcontext(prec=len(number.as_tuple().digits) + 2 * MAX_DIGITS):
            rounded = (number * 100).quantize(Decimal(1).scaleb(-places))
        return f"{self.number(rounded)}\N{NO-BREAK SPACE}%"

    def date(self, text: str) -> str:
        """A date of the node, in UTC."""
        return format_date(_instant(text), format="medium", locale=self.locale)

    def last_day(self, text: str) -> str:
        """The last day of a period, by the first instant after it."""
        return format_date(
            _instant(text) - timedelta(microseconds=1), format="medium", locale=self.locale
        )

    def time(self, text: str) -> str:
        """An instant of the node, in UTC, to the minute."""
        instant = _instant(text)
        day = format_date(instant, format="medium", locale=self.locale)
        return f"{day}, {format_datetime(instant, format='HH:mm', locale=self.locale)} UTC"


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo is None else instant.astimezone(UTC)


@lru_cache(maxsize=len(LANGUAGES))
def language(code: str) -> Language:
    """A language by its code.

    Raises:
        KeyError: there is no such one.
    """
    locale = Locale.parse(LOCALES[code])
    if code == DEFAULT:
        return Language(code, locale, NullTranslations())
    file = resources.files("underseal_node.console") / "locale" / code / "console.po"
    with file.open("rb") as stream:
        catalogue = read_po(stream, locale=LOCALES[code])
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language(code, locale, Translations(compiled))


def chosen(wanted: str | None, accepted: str) -> Language:
    """The language of a reader.

    Args:
        wanted: what they have chosen, if anything.
        accepted: the header `Accept-Language` of their browser (RFC 9110 section 12.5.4).
    """
    if wanted in LANGUAGES:
        return language(wanted)
    for code in _by_preference(accepted):
        if code in LANGUAGES:
            return language(code)
    return language(DEFAULT)


def _by_preference(accepted: str) -> Iterable[str]:
    weighed = []
    for part in accepted.split(",")[:MAX_ACCEPTED]:
        name, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), name.partition("-")[0].lower()))
        except ValueError:
            continue
    return [name for _, name in sorted(weighed, key=lambda one: one[0])]
