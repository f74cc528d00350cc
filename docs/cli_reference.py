"""docs/reference/cli.md, from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer.main

from underseal_cli.main import app

PROGRAM = "underseal"

# The schema of what `--json` prints, by command.
JSON_OF = {
    "init": "init",
    "doctor": "check-list",
    "console": "console",
    "footprint template": "file",
    "footprint import": "import",
    "footprint list": "footprint-list",
    "footprint show": "footprint",
    "footprint check": "checked",
    "footprint deprecate": "footprint-change",
    "footprint supersede": "footprint-change",
    "energy import": "energy-import",
    "energy show": "energy",
    "spend template": "file",
    "spend import": "spend-import",
    "spend list": "spend-list",
    "spend remove": "spend-removed",
    "peer invite": "invitation",
    "peer accept": "invitation-accepted",
    "peer approve": "peer-approved",
    "peer reject": "peer",
    "peer complete": "peer",
    "footprint draft": "draft-made",
    "footprint drafts": "draft-list",
    "footprint publish": "draft-published",
    "footprint attach": "attestation-attached",
    "attest": "attestation-made",
    "footprint reissue": "footprint-reissue",
    "peer add": "peer-added",
    "peer set": "peer",
    "peer credentials": "peer-credentials",
    "peer list": "peer-list",
    "peer show": "peer-detail",
    "peer confirm": "peer",
    "peer rotate": "peer-rotated",
    "peer suspend": "peer",
    "peer resume": "peer",
    "peer revoke": "peer",
    "peer remove": "peer-removed",
    "grant add": "grant-list",
    "grant list": "grant-list",
    "grant remove": "grant-removed",
    "grant preview": "grant-preview",
    "product template": "file",
    "product import": "items-imported",
    "product export": "file",
    "product list": "product-list",
    "product show": "product",
    "product history": "product-history",
    "product calculate": "calculation",
    "product draft": "product-drafted",
    "product publish": "product-published",
    "product refresh": "refresh",
    "factor import": "items-imported",
    "factor list": "factor-list",
    "match": "match-list",
    "status": "status",
    "peer declare": "peer-declaration",
    "peer releases": "release-list",
    "pull": "pull",
    "received list": "received-list",
    "received show": "received",
    "received attestations": "attestation-list",
    "request send": "request",
    "request list": "request-list",
    "request show": "request",
    "request fulfil": "request",
    "request reject": "request",
    "product seal": "seal",
    "received sealed-sum": "sealed-sum",
    "roster create": "roster",
    "roster list": "rosters",
    "roster show": "roster",
    "roster export": "roster-file",
    "roster apply": "roster-membership",
    "roster admit": "roster-admitted",
    "roster join": "roster-membership",
    "roster remove": "roster-removed",
    "roster trust": "roster-trusted",
    "roster distrust": "roster-trusted",
    "endorsement list": "endorsement-list",
    "endorsement answer": "endorsement",
    "outbox list": "outbox-list",
    "outbox retry": "outbox-event",
    "alert list": "alert-list",
    "key list": "key-list",
    "key rotate": "key-change",
    "key revoke": "key-change",
    "key recovery": "recovery-key",
    "move": "move",
    "audit show": "audit-list",
    "audit verify": "audit-check",
    "audit export": "file",
    "audit receipts": "file",
    "audit open": "opening",
    "verify": "verification",
    "backup": "backup",
    "restore": "restore",
    "migrate-store": "store-move",
}

# What exit status 1 means, where it is more than "refused or failed".
FAILS_IF = {
    "serve": "the node cannot run like that",
    "doctor": "there is a problem, or the node does not run",
    "footprint import": "a file was refused; the others are published",
    "footprint check": "a footprint breaks the schema; findings alone are no failure",
    "energy import": "the file was refused; nothing of it is stored",
    "spend import": "the file was refused; nothing of it is stored",
    "peer invite": "with --from, a company could not be invited; the others are",
    "pull": "the pull from a peer failed",
    "verify": "a footprint does not verify, or something that was given with it does not",
    "audit verify": "the log is not the one that was signed, or not all of it is",
    "demo": "a step did not come out as it should",
}

INTRODUCTION = """\
# Commands

<!-- Written by `make docs` from the commands themselves. -->

`underseal` creates and runs a node, and talks to one that runs. Most commands call the management
API of the running node on this machine, which they find by its home directory; `init`, `serve`,
`restore`, `migrate-store`, `demo`, and `verify` and `footprint check` of files need no running
node.

**Home.** `--home DIR` stands before the command: `underseal --home ~/node peer list`. Without it,
`UNDERSEAL_HOME` names the home, else it is `~/.underseal`.

**Output.** What was asked for goes to standard output, messages go to standard error. On a
terminal, tables are as wide as that; elsewhere they are as wide as they have to be, and nothing is
cut. With `--json`, before or behind the command, standard output is exactly one JSON document;
lists are `{"data": [...]}`. Figures are texts, exactly as they were published. The
[schemas](schemas) of these documents belong to the interface. `NO_COLOR` switches colours off.

**Exit status.** 0: done. 1: refused or failed, with a message that says what to do. 2: the command
line makes no sense. 130: ended by Ctrl-C.

**Input.** `-` in place of a file that is read is standard input. Nothing asks questions when
standard input is not a terminal. `...` marks what may be given several times.

**Completion.** `underseal --install-completion` sets it up for your shell.
"""


def part() -> dict[str, str]:
    """For `generate`."""
    root = typer.main.get_command(app)
    sections = [INTRODUCTION, _options(root, "Options before the command")]
    for name, command in commands():
        sections.append(_section(name, command))
    return {"cli.md": "\n".join(sections)}


def commands() -> Iterator[tuple[str, Any]]:
    """All commands with their names, such as `peer add`, in the order of `--help`."""
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            for subname, subcommand in inner.items():
                yield f"{name} {subname}", subcommand


def option_names(command: Any) -> list[str]:
    """All names of all options of a command, without `--help`."""
    return [
        name
        for param in command.params
        if param.param_type_name == "option"
        for name in (*param.opts, *param.secondary_opts)
        if name != "--help"
    ]


def _section(name: str, command: Any) -> str:
    lines = [
        f"## `{PROGRAM} {name}`",
        "",
        _sentences(command.help),
        "",
        "```",
        _usage(name, command),
    ]
    lines += ["```", ""]
    options = _options(command, None)
    if options:
        lines += [options]
    failure = FAILS_IF.get(name, "refused or failed")
    lines.append(f"Exit status: 0 done; 1 {failure}; 2 wrong usage.")
    if name in JSON_OF:
        schema = JSON_OF[name]
        lines.append(f"`--json` prints [{schema}](schemas/{schema}.json).")
    return "\n".join([*lines, ""])


def _usage(name: str, command: Any) -> str:
    arguments = [
        _argument(param) for param in command.params if param.param_type_name == "argument"
    ]
    required = [
        f"{param.opts[0]} {_metavar(param)}{'...' if param.multiple else ''}"
        for param in command.params
        if param.param_type_name == "option" and param.required
    ]
    has_more = any(
        param.param_type_name == "option" and not param.required for param in command.params
    )
    parts = [PROGRAM, "[--home DIR]", name, *arguments, *required, *(["[OPTIONS]"] * has_more)]
    return " ".join(parts)


def _argument(param: Any) -> str:
    text = str(param.metavar or param.name.upper())
    return text if param.required or text.startswith("[") else f"[{text}]"


def _options(command: Any, title: str | None) -> str:
    """A table of arguments and options."""
    rows = [_row(param) for param in command.params if param.name != "help"]
    if not rows:
        return ""
    heading = [f"## {title}", ""] if title else []
    return "\n".join([*heading, "| Argument or option | Meaning |", "|---|---|", *rows, ""])


def _row(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"| `{_argument(param)}` | {_help(param)} |"
    names = ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
    metavar = "" if param.is_flag else f" `{_metavar(param)}`".replace("|", "\\|")
    return f"| {names}{metavar}{' ...' if param.multiple else ''} | {_help(param)} |"


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _help(param: Any) -> str:
    text = _sentences(param.help or "").replace(" Repeatable.", "")  # there is the `...`
    if param.required and param.param_type_name == "option":
        text += " Required."
    default = param.default
    if default not in (None, False, True, (), []) and not callable(default):
        text += f" Default: `{getattr(default, 'value', default)}`."
    return text.replace("|", "\\|").strip()


def _sentences(text: str) -> str:
    """A docstring as one paragraph for each of its own."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
