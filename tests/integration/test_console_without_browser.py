"""Without a browser the tests of the console are skipped; where nobody looks at that, they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ONE = ROOT / "tests/integration/console/test_signing_in.py"


@pytest.mark.parametrize(("ci", "code", "said"), [("true", 1, "CI is set"), ("", 0, " skipped")])
def test_what_becomes_of_the_tests(tmp_path: Path, ci: str, code: int, said: str) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "CI": ci}
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(ONE)]
    done = subprocess.run(
        [*command, "--basetemp", str(tmp_path / "pytest")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert said in done.stdout
    assert "there is no Chromium" in done.stdout
