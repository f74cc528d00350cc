"""What the node itself says, in the language of the reader.

The node speaks English, and its sentences carry names and figures: `there is no product 'x'`. The
catalogue `node.po` of a language has its sentences as templates. A sentence is translated by the
template that has most of its words; what stands in the places of the names is kept as it is, unless
it is itself something that the node says. What no template knows stays English.

A comparison goes from left to right once, whatever is in a sentence: partners write parts of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

from babel.messages.pofile import read_po

__all__ = ["Sayings", "parts_of", "sayings"]

PLACEHOLDER = re.compile(r"\{(\w*)\}")
LETTER = re.compile(r"[^\W\d_]")
MAX_CHARACTERS = 8_000  # of a sentence that is looked at
MAX_DEPTH = 4  # of sentences in sentences
MIN_LETTERS = 5  # of a template that may stand for a whole sentence
INDEXED = 3  # letters at the beginning of a template by which it is found
# What stands between sentences that are put together.
SENTENCES = ". "
JOINTS = (": ", "; ", SENTENCES, ", ")
MAX_PARTS = 20
MAX_READINGS = 4  # of a text by different templates
MAX_LOOKS = 100  # at sentences in one sentence
QUOTES, ENDS = "'\"", ".!?。！？"
ENGLISH = re.compile(
    r"\b(?:the|is|are|was|were|has|have|had|not|no|its|it|this|that|which|and|or|but|to|from|with"
    r"|without|carries|cannot|expected|must|be)\b"
)


@dataclass(frozen=True)
class _Template:
    """A sentence with places for values.

    Attributes:
        literals: what stands before, between and behind the values; one more than there are values.
        names: of the values.
        translation: its parts: texts at even places, names of values at odd ones.
        letters: how many there are in the literals.
    """

    literals: Sequence[str]
    names: Sequence[str]
    translation: Sequence[str]
    letters: int

    @property
    def is_joint(self) -> bool:
        """Whether it puts sentences together."""
        return any(joint in literal for joint in (": ", "; ") for literal in self.literals)

    def values(self, text: str) -> Mapping[str, str] | None:
        """What stands in the places of the values; None if the text is another one."""
        first, last = self.literals[0], self.literals[-1]
        if len(text) < len(first) + len(last):
            return None
        if not text.startswith(first) or not text.endswith(last):
            return None
        at, end, found = len(first), len(text) - len(last), []
        for literal in self.literals[1:-1]:
            start = text.find(literal, at, end)
            if start < 0:
                return None
            found.append(text[at:start])
            at = start + len(literal)
        return dict(zip(self.names, [*found, text[at:end]], strict=True)) if at <= end else None


@dataclass(frozen=True)
class _Said:
    """A text in the other language.

    Attributes:
        text: it.
        letters: how many letters of the node's own words it was translated from.
        kept: the values in it that are as they were.
    """

    text: str
    letters: int
    kept: tuple[str, ...] = ()


class Sayings:
    """The sentences of one language.

    Args:
        translations: by what the node says; with `{name}` where a value stands.
    """

    def __init__(self, translations: Mapping[str, str]) -> None:
        self._whole = {
            text: _Said(one, len(LETTER.findall(text)))
            for text, one in translations.items()
            if not _has_values(text)
        }
        self._templates: dict[tuple[str, str], list[_Template]] = {}
        for text, one in translations.items():
            if _has_values(text):
                made = _made(text, one)
                key = made.literals[0][:INDEXED], made.literals[-1][-INDEXED:]
                self._templates.setdefault(key, []).append(made)
        self._text = lru_cache(maxsize=4096)(self._looked_up)

    def text(self, message: str) -> str | None:
        """A sentence of the node in this language; None if it is not known."""
        return self._text(message) if len(message) <= MAX_CHARACTERS else None

    def whole(self, text: str) -> _Said | None:
        """A text without values."""
        return self._whole.get(text)

    def templates(self, text: str) -> list[tuple[_Template, Mapping[str, str]]]:
        """Those that a text may be of, with its values; first the ones that put sentences together:
        what stands before a colon is not about what stands behind it."""
        lengths = range(min(INDEXED, len(text)) + 1)
        keys = ((text[:one], text[len(text) - other :]) for one in lengths for other in lengths)
        near = (one for key in keys for one in self._templates.get(key, ()))
        found = [(one, values) for one in near if (values := one.values(text)) is not None]
        most = sorted(found, key=lambda one: -one[0].letters)[:MAX_READINGS]
        return sorted(most, key=lambda one: not one[0].is_joint)

    def _looked_up(self, message: str) -> str | None:
        found = _Reading(self).read(message, MIN_LETTERS, 0)
        # Where sentences stay in it, a shorter template was taken for one that is not known.
        return None if found is None or any(map(_is_sentence, found.kept)) else found.text


class _Reading:
    """One sentence that is looked up, with the sentences in it; not for longer than it is worth.

    Args:
        sayings: of the language.
    """

    def __init__(self, sayings: Sayings) -> None:
        self._sayings = sayings
        self._left = MAX_LOOKS

    def read(self, text: str, min_letters: int, depth: int) -> _Said | None:
        """A text, by the reading that understands most of it."""
        whole = self._sayings.whole(text)
        if whole is not None or depth >= MAX_DEPTH or self._left <= 0 or not LETTER.search(text):
            return whole
        self._left -= 1
        readings = [
            self._filled(template, values, depth)
            for template, values in self._sayings.templates(text)
            if template.letters >= min_letters
        ]
        joined = self._joined(text, min_letters, depth)
        if joined is not None:
            readings.append(joined)
        return max(readings, key=lambda one: one.letters, default=None)

    def _filled(self, template: _Template, values: Mapping[str, str], depth: int) -> _Said:
        known = {name: self._value(value, depth + 1) for name, value in values.items()}
        text = "".join(
            known[part].text if at % 2 and part in known else part
            for at, part in enumerate(template.translation)
        )
        letters = template.letters + sum(one.letters for one in known.values())
        return _Said(text, letters, _kept(known.values()))

    def _value(self, text: str, depth: int) -> _Said:
        """A value: translated if it is something that the node says, and as it is otherwise."""
        stripped = text.strip()
        as_it_is = _Said(text, 0, (text,))
        if not stripped or stripped[0] in QUOTES:
            return as_it_is
        found = self.read(text, 1, depth)
        if found is None and stripped != text:
            inner = self.read(stripped, 1, depth)
            found = inner and replace(inner, text=text.replace(stripped, inner.text))
        return found or as_it_is

    def _joined(self, text: str, min_letters: int, depth: int) -> _Said | None:
        """Sentences that were put together: all of them have to be known, or the one behind a
        colon, as a name may stand before it."""
        for joint in JOINTS:
            parts = text.split(joint)
            if 1 < len(parts) <= MAX_PARTS:
                found = [self._part(one, joint, depth) for one in parts]
                said = [one for one in found if one is not None]
                if len(said) == len(parts):
                    text = _between([one.text for one in said], joint)
                    return _Said(text, sum(one.letters for one in said) - 1, _kept(said))
        name, colon, rest = text.partition(": ")
        behind = self.read(rest, min_letters, depth + 1) if colon else None
        return behind and _Said(f"{name}: {behind.text}", behind.letters - 1, behind.kept)

    def _part(self, part: str, joint: str, depth: int) -> _Said | None:
        """A sentence of several; between them, the full stop of each but the last is in the
        joint."""
        stopped = self.read(f"{part}.", MIN_LETTERS, depth + 1) if joint == SENTENCES else None
        return stopped or self.read(part, MIN_LETTERS, depth + 1)


def parts_of(text: str) -> list[str]:
    """A template in parts: texts at even places, names of values at odd ones."""
    return PLACEHOLDER.split(text)


@lru_cache(maxsize=4)
def sayings(code: str, locale: str) -> Sayings:
    """The sentences of a language.

    Args:
        code: of the language, which is not English.
        locale: of its catalogue.
    """
    file = resources.files("underseal_node.console") / "locale" / code / "node.po"
    with file.open("rb") as stream:
        catalogue = read_po(stream, locale=locale)
    return Sayings({str(one.id): str(one.string) for one in catalogue if one.id and one.string})


def _kept(parts: Iterable[_Said]) -> tuple[str, ...]:
    return tuple(one for part in parts for one in part.kept)


def _is_sentence(value: str) -> bool:
    """Whether a value is English that somebody would want to read, and no name or figure."""
    return len(ENGLISH.findall(value)) > 1 and value.strip()[:1] not in QUOTES


def _between(parts: Sequence[str], joint: str) -> str:
    """Parts as one text; behind a Chinese full stop there is no space."""
    if joint != SENTENCES:
        return joint.join(parts)
    stop = "。" if any("\u4e00" <= one <= "\u9fff" for one in parts[0]) else "."
    stopped = [one if one[-1:] in ENDS else f"{one}{stop}" for one in parts[:-1]]
    return " ".join([*stopped, parts[-1]]).replace("。 ", "。")


def _has_values(text: str) -> bool:
    return PLACEHOLDER.search(text) is not None


def _made(text: str, translation: str) -> _Template:
    parts = parts_of(text)
    literals, names = parts[::2], parts[1::2]
    letters = sum(len(LETTER.findall(one)) for one in literals)
    return _Template(literals, names, parts_of(translation), letters)
