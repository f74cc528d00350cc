"""Logs: JSON lines on standard error, in which no secret survives."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from underseal_node.logs import REDACTED, configure_logging, redact
from underseal_node.settings import LogLevel

CANARY = "cAnArY-7f3a9b"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
PEM = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "Authorization",
        "Proxy-Authorization",
        "client_secret",
        "clientSecret",
        "CLIENT-SECRET",
        "access_token",
        "sdJwt",
        "password",
        "passphrase",
        "operator_token",
        "database_url",
        "database_replica_url",
        "set-cookie",
    ],
)
def test_a_member_that_bears_a_secret_is_replaced(key: str) -> None:
    assert redact({key: CANARY}) == {key: REDACTED}
    assert redact({"outer": [{key: {"inner": CANARY}}]}) == {"outer": [{key: REDACTED}]}


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: basic {CANARY}==",
        f"got {JWT.replace('c2lnbmF0dXJl', CANARY)}",
        f"sd-jwt {JWT}~{CANARY}~",
        f"key {PEM} end",
        f"cut key -----BEGIN EC PRIVATE KEY-----\n{CANARY}",
        f"grant_type=client_credentials&client_secret={CANARY}&x=1",
        f'{{"access_token": "{CANARY}", "x": 1}}',
        f"postgresql://underseal:{CANARY}@db.example/underseal",
        f"https://user:{CANARY}@peer.example/",
    ],
)
def test_a_secret_inside_text_is_replaced(text: str) -> None:
    redacted = redact(text)
    assert CANARY not in redacted
    assert REDACTED in redacted


@pytest.mark.parametrize(
    "value",
    [
        "GET https://peer.example:8443/3/footprints?limit=10 answered 503",
        "the token endpoint https://peer.example/auth/token cannot be reached",
        {"peer": "Cell Works", "attempt": 3, "delivered": True, "error": None, "seconds": 0.5},
        "urn:pact:cathode.example:product-id:nmc-811",
        {"kid": "I1HitGMTSlJj0MqdBoFPZe7SXMaBeQXqILktmlnxW5w"},
        {"access_token": None},
    ],
)
def test_what_is_no_secret_is_kept(value: Any) -> None:
    assert redact(value) == value


def test_bytes_are_counted_not_shown() -> None:
    assert redact({"content": CANARY.encode()}) == {"content": "[13 bytes]"}


def test_deep_and_circular_values_end() -> None:
    circular: dict[str, Any] = {}
    circular["self"] = circular
    assert "too deep" in json.dumps(redact(circular))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_whatever_is_redacted_can_be_written(value: Any) -> None:
    json.dumps(redact(value))


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_record_is_one_line_of_json_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(LogLevel.INFO)
    structlog.get_logger("underseal.test").info("delivered", peer="Cell Works", event_id="e-1")
    (record,) = records(capsys)
    assert record["event"] == "delivered"
    assert record["peer"] == "Cell Works"
    assert record["level"] == "info"
    assert record["logger"] == "underseal.test"
    written = datetime.fromisoformat(record["timestamp"])
    assert abs((written - datetime.now(UTC)).total_seconds()) < 60
    assert record["timestamp"].endswith("Z")


def test_records_of_other_libraries_are_written_and_redacted_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(LogLevel.INFO)
    logging.getLogger("uvicorn.error").warning("header %s", f"Bearer {CANARY}")
    (record,) = records(capsys)
    assert record["event"] == f"header Bearer {REDACTED}"
    assert record["logger"] == "uvicorn.error"


def test_tracebacks_are_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogLevel.INFO)
    try:
        raise ValueError(f"refused Bearer {CANARY}")
    except ValueError:
        structlog.get_logger("a").exception("failed")
        logging.getLogger("b").exception("failed")
    lines = records(capsys)
    assert len(lines) == 2
    for record in lines:
        assert "ValueError" in record["exception"]
        assert CANARY not in json.dumps(record)


def test_context_variables_are_in_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogLevel.INFO)
    with structlog.contextvars.bound_contextvars(peer="Cell Works", client_secret=CANARY):
        structlog.get_logger("a").info("called")
    (record,) = records(capsys)
    assert record["peer"] == "Cell Works"
    assert record["client_secret"] == REDACTED


def test_less_severe_records_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogLevel.WARNING)
    structlog.get_logger("a").info("left out")
    logging.getLogger("b").info("left out")
    structlog.get_logger("a").warning("written")
    assert [record["event"] for record in records(capsys)] == ["written"]


def test_a_second_configuration_does_not_write_twice(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogLevel.INFO)
    configure_logging(LogLevel.INFO)
    logging.getLogger("a").info("once")
    assert len(records(capsys)) == 1
