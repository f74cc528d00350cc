"""For tests of vector files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from underseal_protocol.seal.vectors.runner import Outcome, check_vectors

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests" / "vectors" / "seal" / "relations.json"
Vector: TypeAlias = dict[str, Any]
VECTORS: list[Vector] = json.loads(OWN.read_text("utf-8"))
BY_ID = {vector["Id"]: vector for vector in VECTORS}
BATCHABLE = BY_ID["underseal/relations/coefficients/batchable"]
COMPACT = BY_ID["underseal/relations/coefficients/compact"]


def outcome(vector: Any) -> Outcome:
    """What becomes of one vector in a file."""
    (found,) = check_vectors(json.dumps([vector]).encode(), "file")
    return found


def without(vector: Vector, *names: str) -> Vector:
    """A vector without some of its fields."""
    return {name: value for name, value in vector.items() if name not in names}
