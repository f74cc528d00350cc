"""Write the generated parts of docs/reference: `make docs`; with `--check`, only compare.

A part is a function that returns texts by their paths below docs/reference. What is there and not
written by any part is written by hand, except in `schemas`, where nothing else may be.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import cli_reference
import data_model
import json_schemas
import product_workbook

REFERENCE = Path(__file__).parent / "reference"

Part = Callable[[], Mapping[str, str]]

PARTS: list[Part] = [
    cli_reference.part,
    data_model.part,
    json_schemas.part,
    product_workbook.part,
]


def generated() -> dict[str, str]:
    """All generated texts by their paths below docs/reference."""
    return {path: text for part in PARTS for path, text in part().items()}


def differences(texts: Mapping[str, str]) -> list[str]:
    """Paths of what is not as it would be generated, or should not be there."""
    schemas = {f"schemas/{file.name}" for file in (REFERENCE / "schemas").glob("*")}
    changed = [path for path, text in texts.items() if _read(REFERENCE / path) != text]
    return sorted([*changed, *(schemas - texts.keys())])


def write(texts: Mapping[str, str]) -> None:
    """Write what has changed, remove schemas that no longer exist."""
    for path in differences(texts):
        file = REFERENCE / path
        if path in texts:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(texts[path], encoding="utf-8")
        else:
            file.unlink()
        sys.stdout.write(f"{file.relative_to(REFERENCE.parent.parent)}\n")


def main(arguments: list[str]) -> int:
    """Write or compare; 1 if `--check` finds a difference."""
    texts = generated()
    if arguments != ["--check"]:
        write(texts)
        return 0
    for path in differences(texts):
        sys.stdout.write(f"docs/reference/{path} is out of date: run `make docs`\n")
    return int(bool(differences(texts)))


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
