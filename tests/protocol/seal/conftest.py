"""The published vectors and drafts, where they are there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[4] / "shared"


@pytest.fixture(scope="session")
def vector_files() -> list[Path]:
    """The three files of published vectors."""
    found = sorted((SHARED / "vectors" / "sigma").glob("*.json"))
    if not found:
        pytest.skip("the published vectors are not there")
    return found


@pytest.fixture(scope="session")
def proofs() -> list[dict[str, Any]]:
    """The published vectors of proofs."""
    path = SHARED / "vectors" / "sigma" / "sigma-proofs_Shake128_BLS12381.json"
    if not path.is_file():
        pytest.skip("the published vectors are not there")
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found


@pytest.fixture(scope="session")
def appendix() -> list[dict[str, Any]]:
    """The vectors in the appendix of the draft of sigma protocols: also those to be refused."""
    path = SHARED / "reference" / "draft-irtf-cfrg-sigma-protocols.md"
    if not path.is_file():
        pytest.skip("the draft is not there")
    blocks = re.findall(r"^~~~\n(Id = .*?)^~~~$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [_fields(block) for block in blocks]


def _fields(block: str) -> dict[str, Any]:
    """`Key = Value`; lines that are indented continue the value (appendix Test Vectors)."""
    found: dict[str, Any] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("  "):
            found[name] += line.strip()
        else:
            name, _, found[name] = line.partition(" =")
            found[name] = found[name].strip()
    return found
