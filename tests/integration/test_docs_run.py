"""The blocks marked `sh` in the README and the tutorials are executed, against real nodes.

`sh fails` marks a command that has to be refused. A block marked `text` is what the commands before
it print: these lines are among what they printed, in this order; `...` stands for anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from underseal_cli.demo_nodes import Workbench

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("docs")]

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|sh fails|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "----- shown: "
PORT = re.compile(r"\b[89]44[34]\b")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)(?:#[^)]*)?\)")
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in ROOT.glob(pattern)
)


def script_of(document: Path) -> str:
    """All executable blocks of a document, as one script; a mark ends what is shown."""
    parts, shown = [], 0
    for kind, text in BLOCK.findall(document.read_text(encoding="utf-8")):
        if kind == "text":
            parts.append(f"echo '{MARK}{shown}'")
            shown += 1
        else:
            parts.append(text if kind == "sh" else f"if {{ {text} }}; then exit 99; fi")
    assert parts, f"{document} has no block marked sh"
    return "\n".join(parts)


def missing_of(document: Path, printed: str) -> list[str]:
    """The lines that a document shows and that were not printed where it shows them."""
    missing = []
    for number, shown in enumerate(
        text for kind, text in BLOCK.findall(document.read_text("utf-8")) if kind == "text"
    ):
        before, _, printed = printed.partition(f"{MARK}{number}\n")
        lines = iter([" ".join(line.split()) for line in before.splitlines()])
        for line in shown.splitlines():
            pattern = re.escape(" ".join(line.split())).replace(re.escape("..."), ".*")
            if not any(re.fullmatch(pattern, one) for one in lines):
                missing.append(line)
    return missing


def run(document: Path, tmp_path: Path, bench: Workbench, before: str = "") -> str:
    """Execute a document's blocks in a home directory and with ports of their own.

    Args:
        document: whose blocks.
        tmp_path: instead of /tmp.
        bench: knows free ports.
        before: what is there already where the document begins.

    Returns:
        What they printed.
    """
    script = f"{before}\n{script_of(document)}".replace("/tmp/", f"{tmp_path}/")
    ports: dict[str, int] = {}
    for port in sorted(set(PORT.findall(script))):
        ports[port] = bench.free_port()
    script = PORT.sub(lambda found: str(ports[found[0]]), script)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSEAL_")}
    environment |= {
        "HOME": str(tmp_path),
        "BENCH": str(bench.directory),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    stop = "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{stop}\n{script}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    logs = "\n".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.log"))
    assert done.returncode == 0, f"{done.stdout}\n{logs}"
    assert missing_of(document, done.stdout) == [], done.stdout
    return done.stdout


def test_the_tour_of_the_readme_works(tmp_path: Path) -> None:
    with Workbench() as bench:
        printed = run(ROOT / "README.md", tmp_path, bench)
    assert printed.count("verified") >= 4
    assert "23.7083" in printed


def test_the_tour_has_ten_lines() -> None:
    assert len(script_of(ROOT / "README.md").strip().splitlines()) == 10


def test_the_tutorial_works(tmp_path: Path) -> None:
    with Workbench() as bench:
        printed = run(ROOT / "docs" / "tutorial" / "first-footprint.md", tmp_path, bench)
    assert printed.count("verified") >= 2
    assert "0.412" in printed
    assert "1.87" in printed


def test_the_tutorial_of_a_calculated_footprint_works(tmp_path: Path) -> None:
    with Workbench() as bench:
        run(ROOT / "docs" / "tutorial" / "spreadsheet-to-footprint.md", tmp_path, bench)


def test_what_a_document_shows_and_nobody_printed_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    blocks = ("sh\necho a; echo 'b  1'", "text\na\nb ...", "sh fails\nfalse", "text\na\nb")
    document.write_text("\n".join(f"```{one}\n```" for one in blocks), encoding="utf-8")
    script = script_of(document)
    assert "if { false\n }; then exit 99; fi" in script
    assert missing_of(document, f"a\nb  1\n{MARK}0\nb\na\n{MARK}1\n") == ["b"]


TWO_NODES = """
export UNDERSEAL_ALLOW_PRIVATE_NETWORKS=true UNDERSEAL_CA_FILE=$BENCH/ca.pem
TLS="--tls-cert $BENCH/tls-cert.pem --tls-key $BENCH/tls-key.pem --manage-port 0"
start() {
  underseal --home /tmp/$1 init --company "$1 AG" --company-id urn:lei:$2 --url https://localhost:$3
  underseal --home /tmp/$1 serve $TLS 2> /tmp/$1.log &
}
start pack 999900HARZQUELLAKK54 8443
start cathode 999900WIERZBOLITKA02 9443
for n in pack cathode; do until [ -e /tmp/$n/run/node.json ]; do sleep 0.2; done; done
underseal --home /tmp/cathode footprint import examples/battery/footprints/wierzbolit/*.json
"""


def test_onboarding_a_partner_works_as_described(tmp_path: Path) -> None:
    with Workbench() as bench:
        guide = ROOT / "docs" / "how-to" / "onboard-a-partner.md"
        printed = run(guide, tmp_path, bench, TWO_NODES)
    assert "cathode is a partner now: both sides can call each other." in printed
    assert "cathode: 4 footprints: 4 verified" in printed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    assert missing == []
