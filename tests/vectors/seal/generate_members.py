"""Write `members.jsonl`: sealed documents of members of a roster, accepted and refused.

Run only when the format changes on purpose, from the root of the repository:

    .venv/bin/python tests/vectors/seal/generate_members.py

As `generate_sums.py`; readers have `rosters` besides.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))  # when run as a file

from tests.protocol.roster.members import membership
from tests.protocol.seal.chains import Named, Part
from tests.protocol.seal.hidden_chain import KNOWN, HiddenChain
from tests.protocol.seal.parties import CREATED, CUSTOMER
from tests.protocol.seal.sum_files import Corpus, Line
from tests.vectors.seal.generate_sums import variants
from tests.vectors.seal.sum_cases import drng
from tests.vectors.seal.sum_places import places

from underseal_protocol.seal.scalars import Scalar
from underseal_protocol.seal.trust import KnownRoster
from underseal_protocol.times import format_time

FILE = Path(__file__).parent / "members.jsonl"
MAIN = "two"
CASES = {
    "none": HiddenChain(parts=(), mass="0"),
    "one": HiddenChain(parts=(Part(),)),
    MAIN: HiddenChain(
        parts=(Part("67.1", "4.02", "1"), Part("3.4", "0", "0.25")), mass="4", coverage=75
    ),
    "three": HiddenChain(
        parts=(Part(), Part("1.5", "0.7", "0.1"), Part("0", "0", "3")),
        named=(Named(),),
        coverage=25,
    ),
    "two-of-one-member": HiddenChain(parts=(Part(), Part()), endorser=membership("s0")),
}
READERS = {
    "all": [KNOWN],
    "nobody": [],
    "another name": [replace(KNOWN, name="another")],
    "another issuer": [replace(KNOWN, issuer="https://other.example")],
    "another key": [replace(KNOWN, key=Scalar(2) * KNOWN.key)],
    "revoked": [replace(KNOWN, revoked=CREATED)],
    "revoked later": [replace(KNOWN, revoked=CREATED + timedelta(seconds=1))],
}


def roster_json(one: KnownRoster) -> Line:
    """Of a roster that a reader knows."""
    return {
        "issuer": one.issuer,
        "name": one.name,
        "key": base64.b64encode(one.key.encode()).decode(),
        "revoked": None if one.revoked is None else format_time(one.revoked),
    }


class _Maker:
    def __init__(self) -> None:
        self.chains = {
            name: replace(chain, random_bytes=drng(f"members-{name}"))
            for name, chain in CASES.items()
        }
        self.others: list[Line] = [
            {"trust": name, "nodes": [], "rosters": [roster_json(one) for one in rosters]}
            for name, rosters in READERS.items()
        ]
        self.others += [
            {"footprint": name, "document": chain.document} for name, chain in self.chains.items()
        ]
        self.vectors: list[Line] = []

    def add(self, case: str, comment: str, of: Line | None = None, **given: Any) -> None:
        number = sum(one["footprint"] == case for one in self.vectors)
        data = base64.b64encode(self.chains[case].result.document).decode()
        line: Line = {
            "id": f"underseal/members/{case}" + (f"/{number}" if number else ""),
            "comment": comment,
            **(of or {"document": data}),
            "footprint": case,
            "change": {},
            "publisher": [CUSTOMER],
            "trust": "all",
            "time": format_time(CREATED),
        }
        self.vectors.append(line | given)

    def splice(self, case: str, comment: str, at: int, remove: int, insert: bytes) -> None:
        base = {"base": f"underseal/members/{case}", "at": at, "remove": remove}
        self.add(case, comment, {**base, "insert": insert.hex()})

    def of_places(self, case: str) -> None:
        data = self.chains[case].result.document
        for one in places(data):
            if one.name.startswith(("sum proof", "range proof")):
                continue  # as in `sums.jsonl`
            part = data[one.at : one.at + one.length]
            for comment, new in variants(part, one.kind):
                if new != part:
                    self.splice(case, f"{one.name}: {comment}", one.at, one.length, new)

    def of_swaps(self, case: str) -> None:
        """What stands there is honest, but stands in another place."""
        data = self.chains[case].result.document
        found = {one.name: data[one.at : one.at + one.length] for one in places(data)}
        at = {one.name: one.at for one in places(data)}
        first, second = (
            b"".join(part for name, part in found.items() if name.startswith(f"{of}: ")
                     and name.rpartition(": ")[2].startswith(("Abar", "Bbar", "D", "scalar")))
            for of in ("input 1", "input 2")
        )  # fmt: skip
        self.splice(case, "the proof of another", at["input 2: Abar"], len(first), first)
        self.splice(case, "the proof of another", at["input 1: Abar"], len(second), second)
        own, origin = found["publisher: pseudonym"], found["input 1: origin"]
        self.splice(case, "the pseudonym of the publisher", at["pseudonym 1"], 48, own)
        self.splice(case, "the origin of another", at["input 2: origin"], 32, origin)

    def of_readers(self) -> None:
        for reader in READERS:
            self.add(MAIN, f"read by: {reader}", trust=reader)
        issuer = "https://association.example"
        self.add(MAIN, "the issuer is the publisher", publisher=[CUSTOMER, issuer])


def text() -> str:
    """`members.jsonl`."""
    maker = _Maker()
    for name in CASES:
        maker.add(name, "as it was sealed")
    maker.of_places(MAIN)
    maker.of_swaps(MAIN)
    maker.of_readers()
    corpus = Corpus([*maker.others, *maker.vectors])
    lines = [*maker.others, *(one | corpus.outcome(one) for one in maker.vectors)]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
