"""What the node itself says, found in its source: the texts that the catalogues `node.po` have.

A text with values in it is a template, `there is no product {id}`: the names are made of what
stands at that place in the source, and translations have the same ones. Only the keeper of the
catalogues and the tests use this module; at run time the catalogues are enough (`saying`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

from underseal_node.products import factor_columns, line_columns
from underseal_node.publishing import columns as footprint_columns
from underseal_node.spend import columns as spend_columns
from underseal_protocol.rollup.units import all_units

__all__ = ["found_texts", "templates_of"]

# By what is said: the modules that say it, below their packages.
KINDS = {
    "row errors": """
        node/sheets/cell_writing node/sheets/cells node/sheets/files node/sheets/headings
        node/sheets/numbers node/sheets/problems node/sheets/tables node/sheets/workbook_parts
        node/spend/reading node/products/assembling node/products/checking node/products/existing
        node/products/factor_rows node/products/importing node/products/json_documents
        node/products/ranges node/products/reading node/products/rows node/products/sheet_reading
        node/products/sources node/products/guard node/publishing/comparing node/publishing/files
        node/publishing/json_reading node/publishing/prepare node/publishing/publish
        node/publishing/results node/publishing/sheet_reading node/energy/comparing
        node/energy/export node/energy/instants node/energy/mapping node/energy/orders
        node/energy/periods node/energy/series node/energy/sheets node/energy/warning
        protocol/carbon protocol/decimals protocol/errors protocol/fields protocol/footprint
        protocol/hints protocol/strict_json protocol/text_limits protocol/times protocol/urns
        protocol/violations
        protocol/rounding protocol/rollup/document_models protocol/rollup/documents
        protocol/rollup/metering protocol/rollup/units protocol/rollup/allocation_orders
        protocol/rollup/allocation_pools protocol/rollup/allocation_json
        protocol/rollup/allocation_rule
    """,
    "findings": """
        protocol/methodology_figures protocol/methodology_presence protocol/methodology_scope
        protocol/rollup/allocation protocol/rollup/allocation_findings protocol/rollup/calculation
        protocol/rollup/checks protocol/rollup/findings protocol/rollup/merging
    """,
    "gate reasons": """
        node/products/gate node/products/paper protocol/release/constraints
        protocol/release/exposure
        protocol/release/forms protocol/release/knowledge protocol/release/reading
        protocol/release/reduction protocol/release/thresholds protocol/release/verdict
        protocol/release/words
    """,
    "causes": "node/products/staleness",
    "calculations": """
        node/products/bills node/products/candidates node/products/declared node/products/drafting
        node/products/export node/products/matching node/products/metered node/products/refreshing
        node/products/releasing node/products/spending node/energy/usage node/spend/importing
        protocol/rollup/calculated protocol/rollup/draft protocol/rollup/evaluation
        protocol/rollup/graph protocol/rollup/groups protocol/rollup/inputs protocol/rollup/numbers
        protocol/rollup/properties protocol/rollup/reading protocol/rollup/what_if
        protocol/rollup/what_if_documents
    """,
    "alerts": """
        node/exchange/answers node/exchange/attested node/exchange/following node/exchange/intake
        node/exchange/receipts node/exchange/receiving node/exchange/rejudged_rosters
        node/exchange/rejudged_seals node/exchange/rejudging node/exchange/sealed node/pact/key_log
        node/store/pins node/trust/audit node/trust/partnerships
    """,
    "refusals": """
        node/manage/audit_routes node/manage/context node/manage/errors node/manage/grant_routes
        node/manage/key_routes node/manage/opening_routes node/manage/partner_routes
        node/manage/peer_routes node/manage/peer_view node/manage/product_view
        node/manage/pull_routes node/manage/received_routes node/manage/release_routes
        node/manage/request_routes node/manage/seen_routes node/manage/supplier_routes
        node/exchange/accepting node/exchange/access node/exchange/addresses
        node/exchange/approvals node/exchange/approving node/exchange/confirmations
        node/exchange/discovery node/exchange/errors node/exchange/granting node/exchange/http
        node/exchange/inbox node/exchange/outbox node/exchange/peer_client node/exchange/pull_jobs
        node/exchange/pulls node/exchange/refreshes node/exchange/renewals node/exchange/requests
        node/exchange/resuming node/exchange/rotation node/exchange/tokens
        node/exchange/verification node/exchange/withdrawal node/exchange/wire
        node/trust/attesting node/trust/fingerprints node/trust/invitations node/trust/key_changes
        node/trust/keyring node/trust/moving node/trust/peers node/trust/registrations
        node/store/attestations node/store/commitments node/store/ending node/store/footprints
        node/store/grants node/store/identity node/store/outbox node/store/peers
        node/store/products node/store/requests node/publishing/attaching
        node/publishing/changing node/publishing/drafting node/publishing/opening
        node/publishing/reissuing protocol/acceptance protocol/criteria protocol/disclosure
        protocol/draft protocol/invitation protocol/onboarding protocol/recovery
        protocol/registration_token
    """,
    "sealed sums": """
        node/sealing/asker node/sealing/asking node/sealing/endorsing node/sealing/granting
        node/sealing/jobs node/sealing/judging node/sealing/keeping node/sealing/ordering
        node/sealing/proving node/sealing/subject node/exchange/sealed node/exchange/seal_judge
        node/exchange/endorsement_calls
        node/manage/seal_routes node/pact/endorsements node/store/endorsements
        protocol/seal/verdict protocol/seal/trust protocol/seal/verifier protocol/seal/sealing
        protocol/seal/numbers protocol/seal/endorsement_checks
    """,
    "rosters": """
        node/rosters/issuing node/rosters/joining node/rosters/partners node/rosters/trusting
        protocol/roster/membership protocol/roster/messages protocol/roster/roster
        protocol/roster/statements protocol/claims protocol/jws
    """,
    "doctor": "node/doctor/inside node/doctor/outside",
}
PACKAGES = {"node": "underseal_node", "protocol": "underseal_protocol"}

# Words that stand alone at some place and become a part of what is said.
FRAGMENTS = """
    technology|geography|time|material|energy|transport|packaging|waste|direct|product|factor
    footprint|reading|order|meter|length|mass|volume|area|duration|error
"""

# Not for people: words that are looked for, patterns, calls of libraries.
ALIASES = re.compile(r"\S\|\S")
PLACEHOLDER = re.compile(r"\{\w*\}")
WORD = re.compile(r"[^\W\d_]{2,}")
NOT_SAID = frozenset(
    {
        "compile",
        "Field",
        "Query",
        "Path",
        "execute",
        "removeprefix",
        "removesuffix",
        "replace",
        "partition",
    }
    | {"get_logger", "startswith", "endswith", "rpartition", "split", "index", "find", "sub"}
)
NOT_TEXTS = frozenset(
    {"application/cloudevents+json; charset=UTF-8", "application/jwt, */*"}
    | {"EPD International", "in order", "Value error, ", " expected tags: ", "Input should be "}
    | {"Basic {base64}", "Bearer {token}", "--reason TEXT"}
    | {"endorsement {footprint_id} {peer_id} {supplier_footprint_id} {property}"}
    | {"question {id}", "salt {footprint_id}", "seal {footprint_id}", "no sealed sums"}
)
SOURCE_NAMES = {"str": "text", "self": "value"}
QUOTES = (" in quotes", ", without quotes")  # what is said of JSON and not of sheets

Texts = dict[str, frozenset[str]]


@cache
def found_texts() -> Mapping[str, frozenset[str]]:
    """All texts, by what they are for."""
    found: Texts = {"columns": frozenset(_of_columns())}
    for kind, modules in KINDS.items():
        texts = {one for module in modules.split() for one in templates_of(_source(module))}
        found[kind] = frozenset(texts)
    found["units"] = frozenset(one.name for one in all_units())
    found["fragments"] = frozenset(one.strip() for one in re.split(r"[|\n]", FRAGMENTS)) - {""}
    return found


def templates_of(source: str) -> set[str]:
    """The texts in the source of a module that people may read."""
    tree = ast.parse(source)
    found: set[str] = set()
    for node in _said(tree):
        text = _template(node)
        if _is_prose(text, is_whole=isinstance(node, ast.Constant)):
            found.add(text)
    for text in list(found):
        if any(one in text for one in QUOTES):
            found.add(text.replace(QUOTES[0], "").replace(QUOTES[1], ""))
    return found


def _source(module: str) -> str:
    package, *path = module.split("/")
    file = resources.files(PACKAGES[package])
    return file.joinpath(*path[:-1], f"{path[-1]}.py").read_text(encoding="utf-8")


def _of_columns() -> Iterator[str]:
    """Titles of columns, and what belongs into them."""
    for column in footprint_columns.COLUMNS:
        yield footprint_columns.title_of(column)
        yield column.text
    for columns in (line_columns.COLUMNS, factor_columns.COLUMNS, spend_columns.COLUMNS):
        for one in columns:
            yield one.title
            yield one.text


def _said(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions that make texts: constants, texts with values in them, and sums of these."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.Call) and _called(node.func) in NOT_SAID:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        elif isinstance(node, ast.JoinedStr):
            yield node
            waiting += [one.value for one in node.values if isinstance(one, ast.FormattedValue)]
            continue
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield node
        elif isinstance(node, ast.AnnAssign):
            waiting += [] if node.value is None else [node.value]
            continue
        waiting += ast.iter_child_nodes(node)


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        is_log = isinstance(function.value, ast.Name) and function.value.id == "log"
        return "get_logger" if is_log else function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _template(node: ast.expr) -> str:
    """A text with names in the places of values."""
    parts: list[str] = []
    names: dict[str, str] = {}

    def add(part: ast.expr) -> None:
        if isinstance(part, ast.JoinedStr):
            for one in part.values:
                add(one)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            parts.append(part.value)
        elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            add(part.left)
            add(part.right)
        else:
            value = part.value if isinstance(part, ast.FormattedValue) else part
            parts.append(f"{{{_unique(_name(value), ast.unparse(value), names)}}}")

    add(node)
    return "".join(parts)


def _unique(name: str, source: str, names: dict[str, str]) -> str:
    """One name for what is the same in the source, and another for everything else."""
    if source not in names:
        taken, number, made = set(names.values()), 2, name
        while made in taken:
            made, number = f"{name}_{number}", number + 1
        names[source] = made
    return names[source]


def _name(value: ast.expr) -> str:
    """A name for a value: of a call, that of what it is about; of an item, its key."""
    if isinstance(value, ast.Attribute):
        found = value.attr
    elif isinstance(value, ast.Name):
        found = value.id
    elif isinstance(value, ast.Subscript):
        key = value.slice.value if isinstance(value.slice, ast.Constant) else None
        return key if isinstance(key, str) and key.isidentifier() else _name(value.value)
    elif isinstance(value, ast.Call):
        is_joined = isinstance(value.func, ast.Attribute) and value.func.attr != "join"
        inner = value.func.value if is_joined else (value.args or [value.func])[0]  # type: ignore[attr-defined]
        return _name(inner)
    else:
        found = next((one.id for one in ast.walk(value) if isinstance(one, ast.Name)), "value")
    name = found.strip("_").lower()
    return SOURCE_NAMES.get(name, name)


def _is_prose(text: str, *, is_whole: bool) -> bool:
    """Whether a text says something: words beside the values, and of a constant, several."""
    plain = PLACEHOLDER.sub("", text)
    if text in NOT_TEXTS or ALIASES.search(plain) or not WORD.search(plain) or "\\" in plain:
        return False
    return " " in (text.strip() if is_whole else PLACEHOLDER.sub("x", text).strip())
