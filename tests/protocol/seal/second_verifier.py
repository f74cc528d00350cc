"""Runs the verifier in JavaScript, `tests/second_verifier`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.protocol.seal.sum_files import Line
from tests.protocol.seal.vector_files import ROOT

__all__ = ["FOLDER", "Run", "require_node", "require_packages", "run"]

FOLDER: Path = ROOT / "tests" / "second_verifier"
PACKAGES: dict[str, str] = json.loads((FOLDER / "package.json").read_text("utf-8"))["dependencies"]
LEAST_NODE = (20, 19)
INSTALL_SECONDS, RUN_SECONDS = 90, 500
NPM_OPTIONS = (
    "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier",
    "--fetch-retries=0", "--fetch-timeout=20000", "--prefer-offline",
)  # fmt: skip


class Run(NamedTuple):
    """What a run has told: its exit status, its lines, and its errors."""

    status: int
    lines: list[str]
    errors: str


def require_node() -> str:
    """The path of node; skips where there is none that can run it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("the second verifier needs node, which is not installed")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v([0-9]+)\.([0-9]+)", told)
    if found is None or tuple(map(int, found.groups())) < LEAST_NODE:
        pytest.skip(f"the second verifier needs node 20.19 or later, this is {told.strip()}")
    return node


def require_packages() -> None:
    """Install the packages of npm, in exactly their versions; skips where that cannot be done."""
    if _are_installed():
        return
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, and {FOLDER.name} has no {' and '.join(PACKAGES)}")
    try:
        _install(npm)
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", None) or str(error)
        pytest.skip(f"npm cannot install the packages of the second verifier: {told[-300:]}")


def _are_installed() -> bool:
    for name, version in PACKAGES.items():
        try:
            text = (FOLDER / "node_modules" / name / "package.json").read_text("utf-8")
        except OSError:
            return False
        if json.loads(text)["version"] != version:
            return False
    return True


def _install(npm: str) -> None:
    """Beside its place, and moved there when all is there."""
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".installing-") as place:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / name, place)
        subprocess.run(
            [npm, "ci", *NPM_OPTIONS],
            cwd=place,
            capture_output=True,
            text=True,
            check=True,
            timeout=INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        target = FOLDER / "node_modules"
        if target.exists():  # of other versions
            target.rename(Path(place) / "old")
        with suppress(OSError):  # somebody else was faster
            os.rename(Path(place) / "node_modules", target)


def run(node: str, lines: Sequence[Line], file: Path) -> Run:
    """Let it judge the vectors of these lines.

    Args:
        node: the path of node.
        lines: of a file of vectors.
        file: that is written.
    """
    text = "".join(json.dumps(line) + "\n" for line in lines)
    file.write_text(text, "utf-8")
    return run_file(node, file)


def run_file(node: str, *arguments: object) -> Run:
    """Start it with these arguments."""
    told = subprocess.run(
        [node, "verify.mjs", *map(str, arguments)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=RUN_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return Run(told.returncode, told.stdout.splitlines(), told.stderr)
