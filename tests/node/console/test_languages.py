"""The catalogues have every text, with its placeholders; figures keep every digit."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from tests.node.console.conftest import Browser

from underseal_node.console.catalogues import file_of, found_texts
from underseal_node.console.languages import DEFAULT, LANGUAGES, LOCALES, chosen, language

PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")
OTHERS = [code for code in LANGUAGES if code != DEFAULT]
NOT_A_DIGIT = re.compile(r"[^0-9]")


def texts_of(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def translations_of(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def messages(code: str) -> dict[str, Message]:
    with file_of(code).open("rb") as stream:
        return {texts_of(one)[0]: one for one in read_po(stream, locale=LOCALES[code]) if one.id}


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated(code: str) -> None:
    known = messages(code)
    wanted = {texts_of(one)[0] for one in found_texts() if one.id}
    missing = sorted(
        text
        for text in wanted
        if text not in known or not all(translations_of(known[text]) or [""])
    )
    assert missing == [], "python -m underseal_node.console.catalogues adds them"
    assert sorted(known.keys() - wanted) == []


@pytest.mark.parametrize("code", OTHERS)
def test_every_translation_has_the_placeholders_of_its_text(code: str) -> None:
    for text, message in messages(code).items():
        wanted = set(PLACEHOLDER.findall(" ".join(texts_of(message))))
        for translation in translations_of(message):
            found = set(PLACEHOLDER.findall(translation))
            assert found <= wanted, text
            # Where one thing is counted, its number may be said in words.
            assert wanted - found <= ({"%(num)s"} if len(texts_of(message)) > 1 else set()), text
            assert "%" not in PLACEHOLDER.sub("", translation) or "%" in PLACEHOLDER.sub(
                "", " ".join(texts_of(message))
            ), text


@pytest.mark.parametrize("code", LANGUAGES)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=12))
def test_a_figure_keeps_every_digit(code: str, number: Decimal) -> None:
    text = format(number, "f")
    assert NOT_A_DIGIT.sub("", language(code).number(text)) == NOT_A_DIGIT.sub("", text)


@pytest.mark.parametrize(
    ("code", "text", "shown"),
    [
        ("en", "1234567.8900", "1,234,567.8900"),
        ("de", "1234567.8900", "1.234.567,8900"),
        ("zh", "1234567.8900", "1,234,567.8900"),
        ("de", "-0.00", "-0,00"),
        ("en", "NaN", "NaN"),
        ("en", "1E+999999", "1E+999999"),
        ("de", "no number", "no number"),
    ],
)
def test_how_a_figure_is_written(code: str, text: str, shown: str) -> None:
    assert language(code).number(text) == shown


@pytest.mark.parametrize(
    ("wanted", "accepted", "code"),
    [
        ("de", "zh", "de"),
        (None, "zh-Hant;q=0.5, de-CH;q=0.9, *;q=0.1", "de"),
        (None, "fr", "en"),
        (None, "", "en"),
        ("../../etc", "zh", "zh"),
        (None, "zh;q=nonsense,de", "de"),
        (None, ",;;q=," * 1000, "en"),
    ],
)
def test_the_language_of_a_reader(wanted: str | None, accepted: str, code: str) -> None:
    assert chosen(wanted, accepted).code == code


async def test_a_chosen_language_stays_and_leads_back(browser: Browser) -> None:
    shown = await browser.get("/language/de", to="/partners?sort=name")
    assert shown.answer.url.path == "/console/partners"
    assert shown.answer.url.query == b"sort=name"
    assert 'lang="de"' in shown.html
    assert 'lang="de"' in (await browser.get("/")).html


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
async def test_a_language_leads_nowhere_else(browser: Browser, to: str) -> None:
    shown = await browser.get("/language/zh", to=to)
    assert shown.answer.url.host == "127.0.0.1"
    assert shown.answer.url.path.startswith("/console/")


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        ("0.123456", "12.3\N{NO-BREAK SPACE}%"),
        ("1" + "0" * 59, "1" + ",000" * 19 + "00.0"),
        ("0." + "0" * 58 + "1", "0.0\N{NO-BREAK SPACE}%"),
        ("1E+900", "1E+900"),
        ("0." + "123456789" * 40, "12.3\N{NO-BREAK SPACE}%"),
        ("NaN", "NaN"),
        ("x", "x"),
    ],
)
def test_a_share_of_any_size_is_shown(share: str, shown: str) -> None:
    """A partner's figures may be anything that the schema lets through."""
    found = language("en").percent(share)
    if len(shown) > 60:
        assert found.endswith("0.0\N{NO-BREAK SPACE}%")
        assert NOT_A_DIGIT.sub("", found) == "1" + "0" * 62
    else:
        assert found == shown


def test_an_instant_of_another_zone_is_shown_in_utc() -> None:
    assert language("en").time("2026-01-31T23:30:00-08:00") == "1 Feb 2026, 07:30 UTC"
