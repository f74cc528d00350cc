"""The command in this process, and two companies whose nodes really run."""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.forking import QuickWorkbench

from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_cli.main import main

ROOT = Path(__file__).parents[2]
WIERZBOLIT = ROOT / "examples" / "battery" / "footprints" / "wierzbolit"
SCHEMAS = ROOT / "docs" / "reference" / "schemas"
COMPANY_IDS = {
    "seller": "urn:lei:999900WIERZBOLITKA02",
    "buyer": "urn:lei:999900TISZAHAJNALC34",
}


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's own node and settings decide nothing here."""
    for name in list(os.environ):
        if name.startswith("UNDERSEAL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command: `run("peer", "list", home=home, stdin="...")`."""

    def command(*arguments: str | Path, home: Path | None = None, stdin: str = "") -> Done:
        before = [] if home is None else ["--home", str(home)]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        status = main([*before, *map(str, arguments)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Done(status, captured.out, captured.err)

    return command


@pytest.fixture(scope="session")
def docs() -> Callable[[str], Any]:
    """The modules that write the generated documentation."""

    def module(name: str) -> Any:
        sys.path.insert(0, str(ROOT / "docs"))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.remove(str(ROOT / "docs"))

    return module


@dataclass(frozen=True)
class Market:
    """A seller and a buyer, known to each other, and files for the tests."""

    bench: Workbench
    seller: NodeProcess
    buyer: NodeProcess
    ids: tuple[str, ...]


@pytest.fixture(scope="session")
def market() -> Iterator[Market]:
    """The seller has published four footprints, the buyer may see them at the level quality."""
    with QuickWorkbench() as bench:
        seller, buyer = (bench.node(name) for name in ("seller", "buyer"))
        for node in (seller, buyer):
            node.init(f"Company {node.name}", [COMPANY_IDS[node.name]])
        bench.start_all()
        files = sorted(map(str, WIERZBOLIT.glob("*.json")))
        imported = seller.json("footprint", "import", *files)
        secrets = {}
        for owner, peer in ((seller, buyer), (buyer, seller)):
            secrets[peer.name] = owner.json("peer", "add", peer.name, "--url", peer.url)
        for owner, peer in ((seller, buyer), (buyer, seller)):
            issued = secrets[owner.name]
            file = bench.directory / f"{owner.name}.secret"
            file.write_text(issued["client_secret"], encoding="utf-8")
            owner.run(
                *("peer", "set", peer.name, "--client-id", issued["client_id"]),
                *("--client-secret-file", str(file)),
            )
        seller.run("grant", "add", "buyer", "--all", "--level", "quality")
        buyer.run("pull", "seller")
        ids = tuple(one["id"] for one in imported["footprints"])
        yield Market(bench, seller, buyer, ids)


@pytest.fixture
def fulfils() -> Callable[[Any, str], None]:
    """Hold a document against a schema of docs/reference/schemas."""

    def check(document: Any, name: str) -> None:
        schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)

    return check
