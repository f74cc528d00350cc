"""Log records: one JSON object per line on standard error, without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from underseal_node.settings import LogLevel

__all__ = ["REDACTED", "configure_logging", "redact"]

REDACTED = "[redacted]"

# Compared without case, `-` and `_`.
SECRET_KEYS = frozenset(
    {
        "authorization",
        "proxyauthorization",
        "cookie",
        "setcookie",
        "password",
        "passphrase",
        "secret",
        "clientsecret",
        "clientassertion",
        "token",
        "accesstoken",
        "refreshtoken",
        "idtoken",
        "operatortoken",
        "bearer",
        "jwt",
        "sdjwt",
        "credential",
        "disclosure",
        "disclosures",
        "privatekey",
        "privateencrypted",
        "pem",
        "masterkey",
        "databaseurl",
        "databasereplicaurl",
        "apikey",
        "body",
    }
)

# Secrets inside longer text, such as the message of an exception.
SECRET_TEXT = re.compile(
    r"""
    (?P<before>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}         # Authorization headers
    | \beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_~-]+){1,}               # JWTs and SD-JWTs
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END[^-]*-----|\Z)
    | (?P<name>\b(?:client_secret|access_token|client_assertion|password|master_key)
      ["']?\s*[=:]\s*["']?)
      [^\s"'&,}]+
    | (?P<scheme>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/@]+(?=@)     # passwords in URLs
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

MAX_DEPTH = 8


def redact(value: Any, depth: int = 0) -> Any:
    """A copy of a value for a log record, without secrets.

    Members whose names bear secrets are replaced whole; text is searched for tokens, keys and
    passwords.
    """
    if isinstance(value, str):
        return SECRET_TEXT.sub(_keep_context, value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if depth >= MAX_DEPTH:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {
            key: REDACTED if _names_secret(key) and member else redact(member, depth + 1)
            for key, member in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value), depth + 1)


def configure_logging(level: LogLevel) -> None:
    """Send the records of structlog and of the standard library to standard error.

    Args:
        level: the least severe that is written.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.PositionalArgumentsFormatter()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # After the traceback has become text, so that it is searched too.
                structlog.processors.format_exc_info,
                _redact_record,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    # What these log at INFO contains the URLs of peers and the like; and alembic's is noise.
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def _redact_record(
    _logger: object, _method: str, record: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    redacted = redact(record)
    assert isinstance(redacted, dict)  # noqa: S101 - a mapping is redacted to a dict
    return redacted


def _names_secret(key: object) -> bool:
    return str(key).lower().replace("-", "").replace("_", "") in SECRET_KEYS


def _keep_context(found: re.Match[str]) -> str:
    kept = found["before"] or found["name"] or found["scheme"] or ""
    return kept + REDACTED
