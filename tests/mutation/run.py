"""Mutation testing: change the code in small ways, and see whether a test notices.

    make mutants                              all modules of TARGETS
    python tests/mutation/run.py credential   one of them

mutmut imports what it changes from `.`, `src` or `source`, and our packages stand in `protocol` and
`node`. So the run is made in a directory in which they stand side by side, with a copy of the
tests. What survives is compared with `survivors.txt`, where each is explained; the exit status is
1 when there is another one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).parent / "survivors.txt"
PACKAGES = ("protocol/underseal_protocol", "node/underseal_node", "cli/underseal_cli")
OF_CREDENTIALS = [
    "tests/protocol/test_credential.py",
    "tests/protocol/test_credential_tampering.py",
    "tests/protocol/test_credential_vectors.py",
    "tests/protocol/test_credential_refusals.py",
    "tests/protocol/test_credential_commitment.py",
    "tests/protocol/test_draft.py",
]
# Of each module the tests that are to notice: those of the module itself, and few others.
TARGETS = {
    "credential": ("underseal_protocol/credential.py", OF_CREDENTIALS),
    "credential_content": ("underseal_protocol/credential_content.py", OF_CREDENTIALS),
    "claims": ("underseal_protocol/claims.py", OF_CREDENTIALS),
    "tokens": (
        "underseal_node/trust/tokens.py",
        ["tests/node/trust/test_tokens.py", "tests/node/trust/test_token_attacks.py"],
    ),
    "token_endpoint": (
        "underseal_node/pact/token.py",
        [
            "tests/node/pact/test_token_form.py",
            "tests/node/pact/test_token.py",
            "tests/node/pact/test_partners.py",
            "tests/node/pact/test_throttle.py",
            "tests/node/pact/test_audit_reads.py",
        ],
    ),
    "client_assertion": (
        "underseal_protocol/client_assertion.py",
        ["tests/protocol/test_client_assertion.py"],
    ),
    "grants": (
        "underseal_node/store/grants.py",
        [
            "tests/node/store/test_grants.py",
            "tests/node/store/test_grants_recorded.py",
            "tests/node/manage/test_grants.py",
        ],
    ),
    "page_sql": (
        "underseal_node/store/page_sql.py",
        ["tests/node/pact/test_page_sql.py", "tests/node/pact/test_default_deny.py"],
    ),
}
# What was remembered before a mutant was forked off would hide what the mutant does.
FORGETTING = """

from underseal_node.store import page_sql

@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    for one in vars(page_sql).values():
        if hasattr(one, "cache_clear"):
            one.cache_clear()
"""
IGNORED = shutil.ignore_patterns("__pycache__", ".hypothesis")


def main(names: list[str]) -> int:
    """Run the targets; say what survives without an explanation."""
    explained = explanations()
    is_complete = True
    for name in names or list(TARGETS):
        with tempfile.TemporaryDirectory(prefix="underseal-mutants-") as directory:
            killed, survived = mutate(Path(directory), *TARGETS[name])
        print(f"{name}: {killed} killed, {len(survived)} survived")
        for one in survived:
            if one not in explained:
                print(f"unexplained: {one}", flush=True)
                is_complete = False
    return 0 if is_complete else 1


def explanations() -> set[str]:
    """The mutants that may survive: the lines that are no comments."""
    lines = SURVIVORS.read_text(encoding="utf-8").splitlines() if SURVIVORS.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


def mutate(place: Path, module: str, tests: list[str]) -> tuple[int, list[str]]:
    """Run mutmut on one module; how many mutants were killed, and what the others change."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, place / Path(package).name, ignore=IGNORED)
    shutil.copytree(ROOT / "tests", place / "tests", ignore=IGNORED)
    with (place / "tests" / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(FORGETTING)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (place / "pyproject.toml").write_text(settings + configuration(module, tests), "utf-8")
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1"]
    if subprocess.run(command, cwd=place).returncode != 0:
        sys.exit("mutmut could not run: the tests fail before anything is changed, or it says why")
    listed = subprocess.run(
        [sys.executable, "-m", "mutmut", "results", "--all", "true"],
        cwd=place, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    results = dict(re.findall(r"^\s*(\S+): (.+)$", listed, re.MULTILINE))
    killed = sum(result in ("killed", "timeout") for result in results.values())
    left = [one for one, result in results.items() if result not in ("killed", "timeout")]
    changes = [change(place, one) for one in left]
    return killed, [one for one in changes if not is_wording(one)]


def change(place: Path, mutant: str) -> str:
    """What a mutant changes, in one line that stays the same when other lines change."""
    shown = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", mutant],
        cwd=place, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    lines = [line for line in shown.splitlines() if re.match(r"[-+](?![-+])", line)]
    function = mutant.partition("__mutmut_")[0]
    return f"{function}: {' '.join(' '.join(lines).split())}"


def is_wording(change: str) -> bool:
    """Whether only the words of a sentence are others: what they say is for persons."""
    before, _, after = change.partition(": - ")[2].partition(" + ")
    is_sentence = re.search(r"[\"'][^\"']* [^\"']*[\"']", before) is not None
    return is_sentence and before.lower() == after.replace("XX", "").lower()


def configuration(module: str, tests: list[str]) -> str:
    """The part of pyproject.toml that mutmut reads."""
    packages = [Path(package).name for package in PACKAGES]
    return f"""
[tool.mutmut]
source_paths = {packages}
only_mutate = {[module]}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:xdist"]
also_copy = ["tests", "pyproject.toml"]
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
