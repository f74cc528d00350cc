"""Vectors at the edges of what the format says: for two verifiers to be compared.

Each is a document that is frozen in `sums.jsonl`, altered, often for an altered footprint, whose
core it then has: so what is refused is refused for the alteration. They are not frozen themselves,
as no words of the format are behind the outcome of each.
"""

from __future__ import annotations

import base64
import copy
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from tests.protocol.seal.sum_files import OWN, Corpus, Line
from tests.vectors.seal.sum_places import Place, places

from underseal_protocol.errors import SealError
from underseal_protocol.seal.facts import facts_of

__all__ = ["edges"]

SEED = 20260801
TOTALS = ("fossilGhgEmissions", "pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake")
FIGURES: tuple[Any, ...] = (
    "+1.5000", "-1.5000", "01.5000", "1.5000 ", "\uff11.5000", 1.5, None, "15e-1", "1.", "",
    "0.0000", "-0.0000", "0" * 95 + "1.5000", "7205759403792.7935", "7205759403792.7936", "1.500",
    "1.5000\n",
)  # fmt: skip
ROUND_FIGURES = (
    "0", "00", "10", "+10", "1.0", "5", "720575940379279350", "720575940379279360",
)  # fmt: skip
MASSES: tuple[Any, ...] = (
    "-0", "1e3", "0.0000000005", "0.00000000051", "18446744073.709551615", "18446744073.7095516154",
    "18446744073.7095516155", None, 5, "-0.0000000001", "0" * 100, "0" * 101, "4.5" + "0" * 98,
)  # fmt: skip
ZEROS: tuple[Any, ...] = (None, "0", "-0.00", "+0", 0, "", False, "0" * 100, "0" * 101, "0.1")
TIMES: tuple[Any, ...] = (
    "2026-02-10t09:30:00z", "2026-02-10 09:30:00Z", "2026-02-10T09:30:00", "2026-02-10T09:30Z",
    "2026-02-10T10:30:00+01:00", "2026-02-10T09:30:00-0000", "2026-02-10T09:30:00+01", "2026-02-10",
    "2016-12-31T23:59:60Z", "2026-02-10T24:00:00Z", "2026-02-29T09:30:00Z", "2028-02-29T09:30:00Z",
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
    "2026-02-10T09:30:00.1234567890123Z", "2026-02-10T09:30:00,5Z", "2026-02-10T09:30:00+24:00",
    "2026-02-10T09:30.5Z", "20260210T093000Z", None, 5, "2026-02-10T09:30:00Z\n",
)  # fmt: skip
LIMITS = (  # of the endorsements
    "2026-01-11T09:29:59.9999999Z", "2026-01-11T09:30:00Z",
    "2027-02-10T09:29:59.9999999Z", "2027-02-10T09:30:00Z",
)  # fmt: skip
OTHERS: tuple[tuple[str, Any], ...] = (
    ("id", "7D5B9A52-7F0E-4F3B-9D6C-0C6A1F6F2A11"), ("id", "7d5b9a527f0e4f3b9d6c0c6a1f6f2a11"),
    ("id", None), ("pcf", []), ("pcf", None), ("productIds", "urn:gtin:2040000001018"),
    ("productIds", [5, "urn:gtin:2040000001018"]), ("productIds", None), ("extensions", None),
    ("extensions", {}), ("extensions", []), ("extensions", [5]), ("companyIds", None),
    ("companyName", "\ud800"),
    ("companyName", {"b": 1, "a": [{}, []], "\U0001f600": 1, "\ufb33": 2}),
    ("companyName", [0.1, 1e-21, -0.0, 5e-324, 333333333.33333329, "\u2028\x7f\x00\n\"\\/"]),
    ("precedingPfIds", []), ("productClassifications", None), ("comment", "\ud800"),
)  # fmt: skip
TEXTS: tuple[bytes, ...] = (
    b"", b"5", b"a" * 1000, b"a" * 1001, "\U0001f600".encode() * 1000, "\u00a0".encode(), b" ",
    b"\t",
    "\u0378".encode(), "\ue000".encode(), "\u200d".encode(), "\ufeffa".encode(), b"\xed\xa0\x80",
    b"\xc0\xaf", b"\xff", "\U0001fae9".encode(), "\U0001cc00".encode(), "\U000e0041".encode(),
    "\U000e0100".encode(), "\u20c1".encode(), "e\u0301".encode(), b'"\\/',
)  # fmt: skip
URLS = (
    "", "Pack.Example", "https://pack.example", "http://a/b", "HTTPS://a", "a/", "a//b", "http://",
    "https://a://b", "x://y", "1x://y", "mailto:a@b", "a:8080", "a:80a", "user:pw@a", "a@b@c",
    "a?x#f",
    "a#f#g", "[::1]:80", "[1::2::3]", "[v1.a:b]", "[v1.]", "[fe80::1%25lo]", "a b", "a/%4", "a/%41",
    "p\u00e4ck", "a" * 192, "a" * 193, "a/|", ":80", "?q", "https://?q://", "a\n",
)  # fmt: skip
AMOUNTS = ("0", "00.5", "0.50", "1.", "+1", "1" * 40, "1" * 41, "\uff11", "5\n")
NAMES: tuple[list[str], ...] = (
    [], ["AR6", "AR6"], ["AR6", "AR5"], ["\ufb33", "\U0001f600"], ["\U0001f600", "\ufb33"],
    [f"R{number:02}" for number in range(20)], [f"R{number:02}" for number in range(21)],
)  # fmt: skip


def _place(data: bytes, name: str) -> Place:
    return next(one for one in places(data) if one.name == name)


def _text(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "little") + raw


def _with_text(data: bytes, name: str, raw: bytes) -> bytes:
    one = _place(data, name)
    return data[: one.at - 2] + _text(raw) + data[one.at + one.length :]


def _with_bytes(data: bytes, name: str, raw: bytes) -> bytes:
    one = _place(data, name)
    return data[: one.at] + raw + data[one.at + one.length :]


def _with_names(data: bytes, names: list[str]) -> bytes:
    """With other assessment reports in the first terms."""
    one = _place(data, "terms 1: report")
    block = bytes([len(names)]) + b"".join(_text(name.encode()) for name in names)
    return data[: one.at - 3] + block + data[one.at + one.length :]


def _put(**values: Any) -> Callable[[Line], None]:
    """An edit of members of a footprint."""
    return lambda footprint: footprint.update(values)


def _put_pcf(**values: Any) -> Callable[[Line], None]:
    """An edit of members of its carbon footprint."""
    return lambda footprint: footprint["pcf"].update(values)


class _Edges:
    def __init__(self) -> None:
        self.lines = list(OWN.others)
        self.vectors: list[Line] = []

    def add(self, case: str, comment: str, data: bytes, **given: Any) -> None:
        vector: Line = {
            "id": f"edges/{len(self.vectors)}",
            "comment": comment[:80],
            "document": base64.b64encode(data).decode(),
            "footprint": case,
            "change": {},
            "publisher": ["https://pack.example"],
            "trust": "all",
            "time": "2026-02-10T09:30:00Z",
        }
        self.vectors.append(vector | given)

    def about(self, case: str, edit: Callable[[Line], None], data: bytes | None = None) -> None:
        """For a footprint that is edited; where that makes sense, with its core."""
        footprint = copy.deepcopy(OWN.footprints[case])
        edit(footprint)
        name = f"{case}, edited {len(self.lines)}"
        self.lines.append({"footprint": name, "document": footprint})
        data = data or OWN.bases[f"underseal/sums/{case}"]
        with suppress(SealError):
            data = _with_bytes(data, "core", facts_of(footprint).core)
        self.add(name, "an edited footprint", data)

    def of_figures(self) -> None:
        for figure in FIGURES:
            self.about("none", _put_pcf(**dict.fromkeys(TOTALS, figure)))
            for name in TOTALS:
                self.about("none", _put_pcf(**{name: figure}))
        data = OWN.bases["underseal/sums/none"]
        for figure in ROUND_FIGURES:
            for decimals in (0, 1, 2):
                self.about(
                    "none",
                    _put_pcf(**dict.fromkeys(TOTALS, figure)),
                    _with_bytes(data, "decimals", bytes([decimals])),
                )
        for mass in MASSES:
            for case in ("none", "one-with-mass"):
                self.about(case, _put_pcf(productMassPerDeclaredUnit=mass))
        for zero in ZEROS:
            self.about("two", _put_pcf(biogenicCO2Uptake=zero))

    def of_footprints(self) -> None:
        for time in TIMES:
            self.about("none", _put(created=time))
        for time in LIMITS:
            self.about("two", _put(created=time))
        for name, value in OTHERS:
            self.about("none", _put(**{name: value}))
        for reports in ([], "AR6", None, ["AR6", 5], ["ar6"], ["AR5"], {"AR6": 1}):
            self.about("one", _put_pcf(ipccCharacterizationFactors=reports))

    def of_texts(self) -> None:
        none, one = (OWN.bases[f"underseal/sums/{case}"] for case in ("none", "one"))
        for raw in TEXTS:
            shown = raw.decode("utf-8", "replace")
            data = _with_text(none, "product", raw)
            for product in (shown, 5):
                self.about("none", _put(productIds=[product]), data)
        for url in URLS:
            whole = url if "://" in url else f"https://{url}"
            data = _with_text(none, "publisher", url.encode())
            self.add("none", url, data, publisher=["https://pack.example", whole])
            self.add("one", url, _with_text(one, "supplier 1: url", url.encode()))
        for amount in AMOUNTS:
            self.add("one", amount, _with_text(one, "terms 1: amount", amount.encode()))
        for names in NAMES:
            self.add("one", str(names), _with_names(one, names))
        for name in ("terms 1: start", "terms 1: end", "input 1: not before", "input 1: not after"):
            for second in (0, 253_402_300_799, 253_402_300_800, 2**40 - 1):
                raw = second.to_bytes(5, "little")
                self.add("one", f"{name} {second}", _with_bytes(one, name, raw))
        for url in ("https://pack.example/", "https://PACK.example", "http://pack.example"):
            self.add("two", url, OWN.bases["underseal/sums/two"], publisher=[url])

    def of_readers(self) -> None:
        data = OWN.bases["underseal/sums/two"]
        for number, nodes in enumerate(_readers()):
            name = f"reader {number}"
            self.lines.append({"trust": name, "nodes": nodes})
            self.add("two", name, data, trust=name)

    def at_random(self) -> None:
        """A changed, added or missing byte somewhere."""
        drawn = random.Random(SEED)
        for case in ("two", "three", "two-of-one-supplier", "one-with-coverage"):
            data = OWN.bases[f"underseal/sums/{case}"]
            end = _place(data, "E").at
            for _ in range(20):
                at, new = drawn.randrange(end), bytes([drawn.randrange(256)])
                insert, remove = drawn.choice(((new, 1), (new, 0), (b"", 1)))
                self.add(case, f"byte {at}", data[:at] + insert + data[at + remove :])


def _readers() -> Iterator[list[Line]]:
    """Who knows the suppliers of `two`, `s0` and `s1`, in some other way."""
    nodes = next(one["nodes"] for one in OWN.others if one.get("trust") == "all")
    first, second, third = (node["keys"][0] for node in nodes[:3])
    kid = first["kid"]
    unnamed = {name: value for name, value in first.items() if name != "underseal:purpose"}
    before, after = "2026-02-01T09:30:00Z", "2026-02-10T09:30:01Z"

    def node(url: str, *keys: Line, revoked: Line | None = None) -> Line:
        return {"urls": url.split(), "keys": list(keys), "revoked": revoked or {}}

    s0, s1, own = "https://s0.example", "https://s1.example", "https://pack.example"
    for known in (
        node(s0, {**first, "underseal:purpose": "identity"}),
        node(s0, unnamed),
        node(s0, {**unnamed, "kid": "x"}),
        node(s0, {**unnamed, "kid": third["kid"]}),
        node(f"https://new.example {s0}", first),
        node(f"{s0}/", first),
        node("https://S0.example", first),
        node(s0, revoked={kid: after}),
        node(s0, first, revoked={kid: after}),
        node(s0, first, revoked={kid: before}),
        node("https://other.example", revoked={kid: before}),
    ):
        yield [known, node(s1, second)]
    for publisher in (
        node(own, first),
        node(own, {**first, "underseal:purpose": "identity"}),
        node(own, {**unnamed, "kid": "x"}),
        node(own, revoked={kid: before}),
        node(own, revoked={kid: after}),
        node(own, third),
        node(f"https://old.example {own}", first),
    ):
        yield [node(s0, first), node(s1, second), publisher]
    for other in (node(s0, third), node(s0, first, third), node(f"{s0} {s1}", third)):
        yield [node(s0, first), node(s1, second), other]


def edges() -> list[Line]:
    """The lines of a file of vectors, with what our verifier makes of each."""
    made = _Edges()
    made.of_figures()
    made.of_footprints()
    made.of_texts()
    made.of_readers()
    made.at_random()
    ours = Corpus([*made.lines, *made.vectors])
    return [*made.lines, *(vector | ours.outcome(vector) for vector in made.vectors)]
