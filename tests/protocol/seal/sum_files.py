"""Reads `sums.jsonl` and files like it, and judges their vectors."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tests.protocol.seal.vector_files import ROOT
from tests.vectors.seal.sum_maker import changed

from underseal_protocol.errors import SealRefusedError
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.seal.group import Point2
from underseal_protocol.seal.trust import KnownNode, KnownRoster, TrustList
from underseal_protocol.seal.verifier import verify_sealed
from underseal_protocol.times import parse_time

Line: TypeAlias = dict[str, Any]
FILE: Path = ROOT / "tests" / "vectors" / "seal" / "sums.jsonl"


def reader(line: Line) -> TrustList:
    """Whom a reader knows."""
    nodes = [
        KnownNode(
            tuple(one["urls"]),
            PublicKeySet.from_jwks({"keys": one["keys"]}),
            {kid: parse_time(since) for kid, since in one["revoked"].items()},
        )
        for one in line["nodes"]
    ]
    rosters = [
        KnownRoster(
            one["issuer"],
            one["name"],
            Point2.decode(base64.b64decode(one["key"])),
            one["revoked"] and parse_time(one["revoked"]),
        )
        for one in line.get("rosters", ())
    ]
    return TrustList(nodes, rosters)


class Corpus:
    """Vectors, and the footprints and readers that they name.

    Args:
        lines: of a file.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.vectors = [line for line in lines if "id" in line]
        self.others = [line for line in lines if "id" not in line]
        self._readers = {one["trust"]: reader(one) for one in self.others if "trust" in one}
        self.footprints: dict[str, Line] = {
            one["footprint"]: one["document"] for one in self.others if "footprint" in one
        }
        self.bases = {
            one["id"]: base64.b64decode(one["document"])
            for one in self.vectors
            if "document" in one
        }

    def data_of(self, vector: Line) -> bytes:
        """The document of a vector."""
        if "base" not in vector:
            return self.bases[vector["id"]]
        data, at = self.bases[vector["base"]], vector["at"]
        return data[:at] + bytes.fromhex(vector["insert"]) + data[at + vector["remove"] :]

    def outcome(self, vector: Line) -> Line:
        """What becomes of a vector, in the members in which vectors say what is expected."""
        try:
            verdict = verify_sealed(
                self.data_of(vector),
                changed(self.footprints[vector["footprint"]], vector["change"]),
                publisher=vector["publisher"],
                trusted=self._readers[vector["trust"]],
                time=parse_time(vector["time"]),
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


MEMBERS_FILE: Path = FILE.with_name("members.jsonl")
OWN, MEMBERS = (
    Corpus([json.loads(line) for line in file.read_text("utf-8").splitlines()])
    for file in (FILE, MEMBERS_FILE)
)
