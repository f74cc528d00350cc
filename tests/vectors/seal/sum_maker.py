"""Makes lines of `sums.jsonl`: readers, footprints, vectors with what becomes of them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

from tests.protocol.seal.parties import CREATED, CUSTOMER, supplier
from tests.vectors.seal.sum_cases import CASES, SealCase, drng

from underseal_protocol.errors import SealRefusedError
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.seal.trust import KnownNode, TrustList
from underseal_protocol.seal.verifier import verify_sealed
from underseal_protocol.times import format_time, parse_time

__all__ = ["Line", "Maker", "changed"]

Line: TypeAlias = dict[str, Any]


def made(name: str) -> SealCase:
    """A case with everything that it draws."""
    return replace(CASES[name], random_bytes=drng(name))


def readers() -> dict[str, list[KnownNode]]:
    """Who knows whom."""
    nodes = [KnownNode((f"https://s{n}.example",), supplier(f"s{n}").keys) for n in range(3)]
    first, second, third = nodes
    local = KnownNode(("http://localhost:8000",), supplier("s0").keys)
    revoked = replace(
        first, keys=PublicKeySet([]), revoked={supplier("s0").key.kid: CREATED + timedelta(days=9)}
    )
    return {
        "all": [*nodes, local],
        "nobody": [],
        "first": [first],
        "second": [second],
        "another key": [replace(first, keys=third.keys), second],
        "revoked": [revoked, second],
        "first is the publisher's": [first, second, KnownNode((CUSTOMER,), first.keys)],
    }


def reader_line(name: str, nodes: list[KnownNode]) -> Line:
    return {
        "trust": name,
        "nodes": [
            {
                "urls": list(one.urls),
                "keys": one.keys.to_jwks()["keys"],
                "revoked": {kid: format_time(since) for kid, since in one.revoked.items()},
            }
            for one in nodes
        ],
    }


def changed(document: Line, changes: Line) -> Line:
    """A footprint with other values at JSON pointers; null takes one away."""
    found: Line = json.loads(json.dumps(document))
    for pointer, value in changes.items():
        *steps, last = pointer[1:].split("/")
        target: Any = found
        for step in steps:
            target = target[int(step)] if isinstance(target, list) else target[step]
        if isinstance(target, list):
            target[int(last)] = value
        elif value is None:
            del target[last]
        else:
            target[last] = value
    return found


class Maker:
    """Makes vectors of the documents of all cases."""

    def __init__(self) -> None:
        self.chains = {name: made(name) for name in CASES}
        self.trust = {name: TrustList(nodes) for name, nodes in readers().items()}
        self.lines: list[Line] = [reader_line(*item) for item in readers().items()]
        self.numbers: dict[str, int] = {}
        for name, chain in self.chains.items():
            self.lines.append({"footprint": name, "document": chain.document})

    def add(
        self, case: str, comment: str, data: bytes, of: Line | None = None, **given: Any
    ) -> None:
        """Append a vector, with what becomes of it."""
        number = self.numbers.get(case, 0)
        self.numbers[case] = number + 1
        line: Line = {
            "id": f"underseal/sums/{case}" + (f"/{number}" if number else ""),
            "comment": comment,
            **(of or {"document": base64.b64encode(data).decode()}),
            "footprint": case,
            "change": {},
            "publisher": [CUSTOMER],
            "trust": "all",
            "time": format_time(CREATED),
            **given,
        }
        self.lines.append(line | self.outcome(line, data))

    def outcome(self, line: Line, data: bytes) -> Line:
        try:
            verdict = verify_sealed(
                data,
                changed(self.chains[line["footprint"]].document, line["change"]),
                publisher=line["publisher"],
                trusted=self.trust[line["trust"]],
                time=parse_time(line["time"]),
            )
        except SealRefusedError as error:
            return {"expected": "reject", "part": error.part}
        return {
            "expected": "accept",
            "grade": str(verdict.grade),
            "coverage": verdict.coverage,
            "total": verdict.total.text,
            "digest": verdict.digest,
        }

    def splice(self, case: str, comment: str, at: int, remove: int, insert: bytes) -> None:
        """A document in which some bytes are others."""
        data = self.chains[case].result.document
        self.add(
            case,
            comment,
            data[:at] + insert + data[at + remove :],
            {
                "base": f"underseal/sums/{case}",
                "at": at,
                "remove": remove,
                "insert": insert.hex(),
            },
        )
