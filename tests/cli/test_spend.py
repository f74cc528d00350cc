"""`underseal spend`, against a running node."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Market, Run

pytestmark = pytest.mark.xdist_group("cli")

HEAD = "Supplier,Spend,Currency,Period start,Period end\n"


def test_from_the_template_to_the_end(run: Run, market: Market, tmp_path: Path) -> None:
    home = market.buyer.home
    workbook, file = tmp_path / "spend.xlsx", tmp_path / "spend.csv"
    assert run("spend", "template", tmp_path / "spend.csv", home=home).status == 2
    done = run("spend", "template", workbook, home=home)
    assert done.status == 0, done.err
    assert workbook.read_bytes().startswith(b"PK")
    assert "There is none yet" in run("spend", "list", home=home).out

    file.write_text(f"{HEAD}Draht AG,12.50,EUR,2025-01-01,2026-01-01\n")
    dry = run("spend", "import", file, "--dry-run", home=home)
    assert "Nothing was written." in dry.out
    assert "There is none yet" in run("spend", "list", home=home).out
    done = run("spend", "import", file, home=home)
    assert (done.status, done.err) == (0, "")
    assert "Draht AG" in done.out
    assert "new" in done.out
    (period,) = run("spend", "list", "--json", home=home).json["data"]
    assert (period["total"], period["currency"], period["suppliers"]) == ("12.5", "EUR", 1)
    assert "12.5" in run("spend", "list", home=home).out

    file.write_text(f"{HEAD}Draht AG,minus,EUR,2025-01-01,2026-01-01\n")
    refused = run("spend", "import", file, home=home)
    assert refused.status == 1
    assert "Nothing was taken: 1 problem." in refused.err
    assert "row 2, column Spend" in refused.err

    assert run("spend", "remove", "2025-01-01", "yesterday", home=home).status == 2
    removed = run("spend", "remove", "2025-01-01", "2026-01-01", home=home)
    assert removed.out == "Removed: spend on 1 supplier.\n"
    gone = run("spend", "remove", "2025-01-01", "2026-01-01", home=home)
    assert gone.status == 1
    assert "there is no spend from 2025-01-01T00:00:00Z" in gone.err
