"""The rules of the architecture, held by reading the syntax trees.

Each rule is a function from a module's tree to what it finds; each has an example that breaks it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "protocol": ROOT / "protocol" / "underseal_protocol",
    "node": ROOT / "node" / "underseal_node",
    "cli": ROOT / "cli" / "underseal_cli",
}
CURVE_LIBRARY, CURVE_MODULE = "py_arkworks_bls12381", "seal/group.py"
TEST_VECTORS = "underseal_protocol.seal.vectors"  # with their generator, which is no secret
HTTPX_MODULES = {"node": "exchange/http.py", "cli": "manage_client.py"}
STORE = "store/"

# Commands whose code has to run on this machine; only inside these may `cli` import `node`.
LOCAL_COMMANDS = ("init", "serve", "demo", "restore", "migrate_store")

SQL_NAMES = {"select", "text", "insert", "update", "delete", "exists", "func"}
SQL_METHODS = {"exec", "execute", "executemany", "executescript", "exec_driver_sql", "scalars"}
SQL_MODULES = {"sqlite3", "alembic", "psycopg", "asyncpg", "aiosqlite"}
OUTSIDE_WORLD = {
    "alembic", "asyncio", "fastapi", "http", "httpx", "pathlib", "requests", "shutil", "socket",
    "sqlalchemy", "sqlite3", "sqlmodel", "ssl", "starlette", "subprocess", "tempfile", "threading",
    "time", "urllib.request", "uvicorn",
}  # fmt: skip
# What is run as `python -m`, and imported by nothing, may read the files that it is given.
RUN, ALLOWED_WHERE_RUN = "__main__.py", {"pathlib"}
CLOCK_CALLS = {"datetime.now", "datetime.utcnow", "date.today", "datetime.today"}


@dataclass(frozen=True)
class Module:
    """A source file of one of the packages."""

    package: str
    name: str
    source: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)


Rule = Callable[[Module], Iterator[str]]


def modules() -> list[Module]:
    return [
        Module(package, file.relative_to(directory).as_posix(), file.read_text(encoding="utf-8"))
        for package, directory in PACKAGES.items()
        for file in sorted(directory.rglob("*.py"))
    ]


def imported(node: ast.AST) -> list[str]:
    """Dotted names that an import statement brings in, the module itself included."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def imports(tree: ast.AST) -> list[tuple[int, str]]:
    return [
        (node.lineno, name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported(node)
    ]


def is_of(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def protocol_imports_neither_of_the_others(module: Module) -> Iterator[str]:
    if module.package == "protocol":
        for line, name in imports(module.tree):
            if is_of(name, "underseal_node") or is_of(name, "underseal_cli"):
                yield f"line {line} imports {name}"


def node_never_imports_cli(module: Module) -> Iterator[str]:
    if module.package == "node":
        for line, name in imports(module.tree):
            if is_of(name, "underseal_cli"):
                yield f"line {line} imports {name}"


def cli_imports_node_only_inside_local_commands(module: Module) -> Iterator[str]:
    """In a function named after the command, or in a module that belongs to it (`demo_nodes`)."""
    if module.package != "cli":
        return
    stem = Path(module.name).stem
    of_a_local_command = stem.startswith(tuple(f"{command}_" for command in LOCAL_COMMANDS))
    for line, name, functions in imports_with_functions(module.tree):
        if not is_of(name, "underseal_node"):
            continue
        inside = of_a_local_command or stem in LOCAL_COMMANDS
        inside = inside or any(function.strip("_") in LOCAL_COMMANDS for function in functions)
        if not functions or not inside:
            yield f"line {line} imports {name}"


def imports_with_functions(
    tree: ast.AST, functions: tuple[str, ...] = ()
) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Imports with the names of the functions around them, without those for the type checker."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported(node):
                yield node.lineno, name, functions
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        inner = (*functions, node.name) if named else functions  # type: ignore[attr-defined]
        yield from imports_with_functions(node, inner)


def httpx_is_imported_in_one_module_per_package(module: Module) -> Iterator[str]:
    if module.name != HTTPX_MODULES.get(module.package):
        for line, name in imports(module.tree):
            if is_of(name, "httpx"):
                yield f"line {line} imports {name}"


def sql_is_in_the_store_only(module: Module) -> Iterator[str]:
    if module.package == "node" and module.name.startswith(STORE):
        return
    for line, name in imports(module.tree):
        source, _, member = name.rpartition(".")
        if name in SQL_MODULES or source in SQL_MODULES:
            yield f"line {line} imports {name}"
        if member in SQL_NAMES and source.split(".")[0] in {"sqlmodel", "sqlalchemy"}:
            yield f"line {line} imports {name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on_a_library = ast.unparse(node.func.value) in {"sa", "sqlalchemy", "sqlmodel"}
            if node.func.attr in SQL_METHODS or (on_a_library and node.func.attr in SQL_NAMES):
                yield f"line {node.lineno} calls {ast.unparse(node.func)}"


def no_prints_in_libraries(module: Module) -> Iterator[str]:
    if module.package == "cli":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "pprint"}:
            yield f"line {node.lineno} prints"


def no_handler_catches_everything(module: Module) -> Iterator[str]:
    """Unless it raises again at its end: cleaning up after anything is not hiding it."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type else "everything"
        broad = caught in {"everything", "Exception", "BaseException"}
        raises_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        if broad and not (raises_again and caught != "everything"):
            yield f"line {node.lineno} catches {caught}"


def protocol_has_no_outside_world(module: Module) -> Iterator[str]:
    """No network, no disk, no database, no clock of its own."""
    if module.package != "protocol":
        return
    outside_world = OUTSIDE_WORLD
    if Path(module.name).name == RUN:
        outside_world = OUTSIDE_WORLD - ALLOWED_WHERE_RUN
    for line, name in imports(module.tree):
        if any(is_of(name, outside) for outside in outside_world):
            yield f"line {line} imports {name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "open" or called in CLOCK_CALLS:
                yield f"line {node.lineno} calls {called}"


def nothing_imports_what_is_run(module: Module) -> Iterator[str]:
    for line, name in imports(module.tree):
        if Path(RUN).stem in name.split("."):
            yield f"line {line} imports {name}"


def the_curve_library_is_imported_in_one_module(module: Module) -> Iterator[str]:
    """Which guards what the library lets pass."""
    if (module.package, module.name) != ("protocol", CURVE_MODULE):
        for line, name in imports(module.tree):
            if is_of(name, CURVE_LIBRARY):
                yield f"line {line} imports {name}"


def vectors_are_not_for_real_proofs(module: Module) -> Iterator[str]:
    if module.package == "protocol" and module.name.startswith("seal/vectors/"):
        return
    for line, name in imports(module.tree):
        if is_of(name, TEST_VECTORS):
            yield f"line {line} imports {name}"


def files_and_functions_are_short(module: Module) -> Iterator[str]:
    if "/migrations/versions/" in module.name:
        return
    lines = len(module.source.splitlines())
    if lines > 500:
        yield f"has {lines} lines"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
            if length > 70:
                yield f"line {node.lineno}: {node.name} has {length} lines"


RULES_AND_BREACHES: list[tuple[Rule, Module]] = [
    (
        protocol_imports_neither_of_the_others,
        Module("protocol", "x.py", "def f():\n    from underseal_node import errors"),
    ),
    (node_never_imports_cli, Module("node", "x.py", "import underseal_cli.main")),
    (
        cli_imports_node_only_inside_local_commands,
        Module("cli", "serve.py", "from underseal_node.home import Home"),
    ),
    (
        cli_imports_node_only_inside_local_commands,
        Module("cli", "peers.py", "def add():\n    import underseal_node.home"),
    ),
    (
        httpx_is_imported_in_one_module_per_package,
        Module("node", "exchange/pulls.py", "from httpx import Client"),
    ),
    (httpx_is_imported_in_one_module_per_package, Module("protocol", "x.py", "import httpx")),
    (sql_is_in_the_store_only, Module("node", "x.py", "from sqlmodel import Session, select")),
    (sql_is_in_the_store_only, Module("node", "x.py", "session.exec(statement)")),
    (sql_is_in_the_store_only, Module("node", "x.py", "import sqlalchemy as sa\nsa.text('')")),
    (sql_is_in_the_store_only, Module("node", "x.py", "import sqlite3")),
    (sql_is_in_the_store_only, Module("cli", "x.py", "from sqlalchemy.sql import text")),
    (no_prints_in_libraries, Module("node", "x.py", "print(1)")),
    (no_handler_catches_everything, Module("cli", "x.py", "try: f()\nexcept: raise")),
    (no_handler_catches_everything, Module("cli", "x.py", "try: f()\nexcept Exception: g()")),
    (protocol_has_no_outside_world, Module("protocol", "x.py", "from urllib.request import a")),
    (protocol_has_no_outside_world, Module("protocol", "x.py", "now = datetime.now(UTC)")),
    (protocol_has_no_outside_world, Module("protocol", "x.py", "open('file')")),
    (protocol_has_no_outside_world, Module("protocol", "x.py", "from pathlib import Path")),
    (protocol_has_no_outside_world, Module("protocol", "x/__main__.py", "import socket")),
    (nothing_imports_what_is_run, Module("protocol", "x.py", "from a.b.__main__ import main")),
    (
        the_curve_library_is_imported_in_one_module,
        Module("protocol", "seal/ranges.py", "from py_arkworks_bls12381 import G1Point"),
    ),
    (
        the_curve_library_is_imported_in_one_module,
        Module("node", "seal/group.py", "import py_arkworks_bls12381"),
    ),
    (
        vectors_are_not_for_real_proofs,
        Module("protocol", "seal/sigma.py", "from underseal_protocol.seal.vectors import drng"),
    ),
    (
        vectors_are_not_for_real_proofs,
        Module("node", "x.py", "from underseal_protocol.seal.vectors.drng import prover_drng"),
    ),
    (files_and_functions_are_short, Module("node", "x.py", "\n" * 501)),
    (files_and_functions_are_short, Module("node", "x.py", "def f():\n" + "    g()\n" * 71)),
]
RULES = list(dict.fromkeys(rule for rule, _ in RULES_AND_BREACHES))

ALLOWED = [
    (
        cli_imports_node_only_inside_local_commands,
        Module("cli", "main.py", "def serve():\n    from underseal_node.home import Home"),
    ),
    (
        cli_imports_node_only_inside_local_commands,
        Module("cli", "demo_nodes.py", "def start():\n    from underseal_node.home import Home"),
    ),
    (
        httpx_is_imported_in_one_module_per_package,
        Module("cli", "manage_client.py", "import httpx"),
    ),
    (sql_is_in_the_store_only, Module("node", "store/x.py", "from sqlmodel import select")),
    (sql_is_in_the_store_only, Module("node", "x.py", "from sqlmodel import Session")),
    (
        protocol_has_no_outside_world,
        Module("protocol", "seal/vectors/__main__.py", "from pathlib import Path"),
    ),
    (
        the_curve_library_is_imported_in_one_module,
        Module("protocol", "seal/group.py", "from py_arkworks_bls12381 import G1Point"),
    ),
    (
        no_handler_catches_everything,
        Module("node", "x.py", "try: f()\nexcept BaseException:\n    g()\n    raise"),
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds_everywhere(rule: Rule) -> None:
    found = [
        f"{module.package}/.../{module.name}: {breach}"
        for module in modules()
        for breach in rule(module)
    ]
    assert found == []


@pytest.mark.parametrize(("rule", "module"), RULES_AND_BREACHES)
def test_the_rule_finds_a_breach(rule: Rule, module: Module) -> None:
    assert list(rule(module))


@pytest.mark.parametrize(("rule", "module"), ALLOWED)
def test_the_rule_lets_pass_what_it_should(rule: Rule, module: Module) -> None:
    assert list(rule(module)) == []


def test_all_packages_are_read() -> None:
    assert {module.package for module in modules()} == set(PACKAGES)
