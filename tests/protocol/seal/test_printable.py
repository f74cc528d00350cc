"""Which texts are printable does not depend on the Python that asks."""

from __future__ import annotations

import re
import unicodedata

import pytest
from tests.protocol.seal.vector_files import ROOT

from underseal_protocol.seal.printable import is_printable

FORMAT = (ROOT / "docs" / "reference" / "sealed-sum-format.md").read_text("utf-8")
EVERY = [chr(number) for number in range(0x110000) if not 0xD800 <= number <= 0xDFFF]


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "Stahl, verzinkt (Ø 5 mm)",
        "钢",
        "إسمنت",
        "e\u0301",
        "葛\U000e0100",
        "\U0001f600",
        '"\\/',
    ],
)
def test_what_people_write(text: str) -> None:
    assert is_printable(text)


@pytest.mark.parametrize(
    "character",
    ["\0", "\n", "\t", "\x7f", "\x85", "\xa0", "\xad", "\u2028", "\u3000", "\u200b", "\u202e",
     "\u2066", "\ufeff", "\ue000", "\uffff", "\U000e0041", "\U0010fffd"],
)  # fmt: skip
def test_what_is_not_seen_or_misleads(character: str) -> None:
    assert not is_printable(f"a{character}b")


@pytest.mark.parametrize("number", [0x378, 0x20C1, 0x1CC00, 0x1FAE9])
def test_characters_that_a_later_unicode_has_are_printable_for_all(number: int) -> None:
    assert is_printable(chr(number))


def test_controls_and_separators_are_none_of_them() -> None:
    for character in EVERY:
        if unicodedata.category(character) in {"Cc", "Co", "Zs", "Zl", "Zp"}:
            assert is_printable(character) is (character == " ")


def test_the_list_is_that_of_the_format() -> None:
    listed = FORMAT[FORMAT.index("*Printable*") :].partition("\n- ")[0]
    others: set[str] = set()
    for first, last in re.findall(r"U\+([0-9A-F]+)(?:\s+to\s+U\+([0-9A-F]+))?", listed):
        others.update(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    assert others == {character for character in EVERY if not is_printable(character)}
