"""Every command, option and setting is documented, and the generated reference is up to date."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.cli.conftest import ROOT, SCHEMAS

from underseal_node.settings import Settings

REFERENCE = ROOT / "docs" / "reference"
SECTION = re.compile(r"^## `underseal ([^`]+)`\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"^\| `([a-z_]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)

# Scripts rely on these names.
STABLE = {
    "init": "--company --company-id --url --recovery-key-out",
    "serve": "--host --port --manage-port --workers --tls-cert --tls-key --dev-tls --behind-proxy "
    "--trusted-proxy",
    "doctor": "",
    "footprint template": "",
    "footprint import": "--dry-run --significant-digits",
    "footprint list": "",
    "footprint show": "--as",
    "footprint check": "",
    "footprint deprecate": "",
    "footprint supersede": "--significant-digits",
    "footprint draft": "--out --supersedes",
    "footprint drafts": "",
    "footprint publish": "--attestation --acknowledge --consent",
    "footprint attach": "",
    "attest": "--statement --level --coverage --standard --provider --comments --completed-at "
    "--valid-until --opening --completeness --out",
    "footprint reissue": "--signed-by --dry-run",
    "energy import": "--mapping --dry-run",
    "energy show": "--from --until",
    "spend template": "",
    "spend import": "--dry-run",
    "spend list": "",
    "spend remove": "",
    "received list": "--peer --verification",
    "received show": "--peer",
    "received attestations": "--peer",
    "peer invite": "--for --pre-approve --expires --grant-product-id --level --from --out",
    "peer accept": "--name --reply-out",
    "peer approve": "--words",
    "peer reject": "--reason",
    "peer complete": "",
    "peer confirm": "",
    "peer rotate": "",
    "peer suspend": "",
    "peer resume": "",
    "peer revoke": "--reason",
    "peer add": "--url --auth-url --client-id --client-secret-file --scope --audience --resource "
    "--ca-file",
    "peer set": "--url --auth-url --client-id --client-secret-file --scope --audience --resource "
    "--ca-file --accept-unsigned --no-accept-unsigned --confirm-endpoint --confirm-keys "
    "--words",
    "peer credentials": "--renew",
    "peer list": "",
    "peer show": "",
    "peer remove": "",
    "grant add": "--all --product-id --classification --footprint --level --from --until --terms "
    "--purpose --replace --acknowledge --consent",
    "grant list": "",
    "grant preview": "--at",
    "grant remove": "",
    "product template": "",
    "product import": "--dry-run",
    "product export": "--product",
    "product list": "",
    "product show": "",
    "product history": "",
    "product calculate": "--explain --what-if --significant-digits",
    "product draft": "--out --significant-digits",
    "product publish": "--dry-run --significant-digits --acknowledge --consent",
    "product refresh": "--yes --auto --acknowledge --consent",
    "factor import": "--dry-run",
    "factor list": "",
    "match": "--product --line --to --peer --accept",
    "status": "",
    "peer declare": "--group --component --quantity --footprint --prior --clear",
    "peer releases": "",
    "pull": "--all --every --product-id --company-id --geography --classification --status "
    "--valid-on --valid-after --valid-before",
    "request send": "--product-id --company-id --geography --classification --status --valid-on "
    "--valid-after --valid-before --comment",
    "request list": "--incoming --outgoing",
    "request show": "",
    "request fulfil": "--footprint",
    "request reject": "--reason",
    "product seal": "--property --coverage --name-factors --roster --now --yes --out",
    "received sealed-sum": "--peer --out",
    "endorsement list": "--state --limit",
    "endorsement answer": "--allow --refuse --named --not-named",
    "roster create": "--from --until --out",
    "roster list": "",
    "roster show": "",
    "roster export": "--out",
    "roster apply": "--entity --out",
    "roster admit": "--out --again --yes",
    "roster join": "",
    "roster remove": "",
    "roster trust": "--fingerprint",
    "roster distrust": "--issuer",
    "outbox list": "",
    "outbox retry": "",
    "alert list": "",
    "audit show": "--peer --footprint --limit",
    "audit verify": "--with-receipts --log --keys --url",
    "audit export": "--out",
    "audit receipts": "--out --peer",
    "audit open": "--lines --all --for --out --list",
    "console": "--no-open",
    "backup": "--with-key --passphrase-file",
    "restore": "--passphrase-file",
    "migrate-store": "--to --password-file",
    "key list": "",
    "key rotate": "--purpose",
    "key revoke": "--since --recovery-key-file --reason",
    "key recovery": "--new --recovery-key-file --recovery-key-out",
    "move": "--url --dry-run",
    "verify": "--keys --url --peer --status --attestation --verifier-keys --receipts --opening",
    "demo": "--keep",
}
WITHOUT_DATA = {"serve", "demo"}


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    return dict(SECTION.findall(text))


def test_the_names_that_were_promised_are_there(docs: Callable[[str], Any]) -> None:
    reference = docs("cli_reference")
    found = {name: set(reference.option_names(command)) for name, command in reference.commands()}
    assert found.keys() == STABLE.keys()
    for name, options in STABLE.items():
        assert set(options.split()) <= found[name], name


def test_every_command_and_option_is_documented(
    docs: Callable[[str], Any], sections: dict[str, str]
) -> None:
    reference = docs("cli_reference")
    commands = dict(reference.commands())
    assert sections.keys() == commands.keys()
    for name, command in commands.items():
        assert f"underseal [--home DIR] {name}" in sections[name]
        assert "Exit status: 0 done; 1 " in sections[name]
        for option in reference.option_names(command):
            assert f"`{option}`" in sections[name], (name, option)


def test_everything_has_a_help(docs: Callable[[str], Any]) -> None:
    for name, command in docs("cli_reference").commands():
        assert command.help, name
        for param in command.params:
            assert param.help, (name, param.name)


def test_every_command_that_prints_data_has_a_schema(docs: Callable[[str], Any]) -> None:
    reference = docs("cli_reference")
    assert reference.JSON_OF.keys() == STABLE.keys() - WITHOUT_DATA
    for name, command in reference.commands():
        assert ("--json" in reference.option_names(command)) == (name in reference.JSON_OF)
    for schema in reference.JSON_OF.values():
        assert (SCHEMAS / f"{schema}.json").exists()


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {
        name: default
        for name, default, _ in SETTING.findall(
            (REFERENCE / "settings.md").read_text(encoding="utf-8")
        )
    }
    assert documented.keys() == Settings.model_fields.keys()
    for name, field in Settings.model_fields.items():
        default = field.default
        is_none = default is None or default == ()
        shown = "none" if is_none else f"`{json.dumps(default)}`"
        assert documented[name] == shown, name


def test_a_setting_that_is_not_documented_would_be_found() -> None:
    assert SETTING.findall("| `port` | `8443` | Port. |") == [("port", "`8443`", "Port.")]
    assert "undocumented" not in Settings.model_fields


def test_the_generated_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_out_of_date_is_found(docs: Callable[[str], Any]) -> None:
    generate = docs("generate")
    texts = generate.generated()
    assert generate.differences(texts) == []
    assert generate.differences(texts | {"cli.md": "other"}) == ["cli.md"]
    name = "schemas/peer.json"
    without = {path: text for path, text in texts.items() if path != name}
    assert generate.differences(without) == [name]


def test_the_readme_names_commands_that_exist(docs: Callable[[str], Any]) -> None:
    names = dict(docs("cli_reference").commands())
    groups = {name.split()[0] for name in names}
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = 0
    for document in documents:
        for words in re.findall(
            r"underseal(?: --home \S+)? ([a-z]+(?: [a-z]+)?)(?=[ `\n])",
            "\n".join(
                re.findall(r"`[^`\n]+`|^```.*?^```", document.read_text("utf-8"), re.M | re.S)
            ),
        ):
            first = words.split()[0]
            assert first in groups, (document.name, words)
            found += 1
    assert found > 30
