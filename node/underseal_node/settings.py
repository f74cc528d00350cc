"""The settings of a node: limits, time-outs and policies, with their units in their names.

A value is taken from the first of: an argument, the environment variable `UNDERSEAL_<NAME>`, the
file `underseal.toml` in the home directory, the default. `docs/reference/settings.md` lists them.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_protocol.rounding import MAX_DIGITS

__all__ = [
    "EndorsePolicy",
    "LogLevel",
    "ReleasePolicy",
    "ReleaseScope",
    "RequestsAnswer",
    "Settings",
    "load_settings",
]

ENV_PREFIX = "UNDERSEAL_"

DOMINANCE = re.compile("[1-9][0-9]{0,2}:[1-9][0-9]?(,[1-9][0-9]{0,2}:[1-9][0-9]?)*")

Items = Annotated[tuple[str, ...], NoDecode]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]


class RequestsAnswer(StrEnum):
    """How incoming requests are answered."""

    AUTO = "auto"
    ASSIST = "assist"
    MANUAL = "manual"


class EndorsePolicy(StrEnum):
    """Whether figures are endorsed for customers that ask for it."""

    ASK = "ask"
    AUTO = "auto"
    NEVER = "never"


class ReleasePolicy(StrEnum):
    """What the operator may do when the release gate stops."""

    ACKNOWLEDGE = "acknowledge"
    STRICT = "strict"


class ReleaseScope(StrEnum):
    """Whose figures a peer is taken to have."""

    PEER = "peer"
    GROUP = "group"
    POOLED = "pooled"


class LogLevel(StrEnum):
    """The least severe log record that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """What an operator can set. Immutable; made by `load_settings`.

    Constructing it directly takes only the arguments given (no environment, no file).
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    # Where things are.
    database_url: SecretStr | None = None
    database_password_file: Path | None = None
    database_replica_url: SecretStr | None = None
    master_key_file: Path | None = None
    master_key_keyring: bool = False
    ca_file: Path | None = None

    # Listeners.
    host: str = "0.0.0.0"  # noqa: S104 - peers have to reach the public listener
    port: Port = 8443
    manage_host: str = "127.0.0.1"
    manage_port: Port = 8444
    workers: Count = 1
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    behind_proxy: bool = False
    trusted_proxies: Items = ()
    allowed_hosts: Items = ()
    shutdown_grace_seconds: Seconds = 10

    # Policies.
    requests_answer: RequestsAnswer = RequestsAnswer.ASSIST
    pull_on_published: bool = True
    endorse: EndorsePolicy = EndorsePolicy.ASK
    endorse_named: bool = False
    allow_private_networks: bool = False
    round_significant_digits: Annotated[int, Field(ge=1, le=MAX_DIGITS)] | None = None
    refresh_auto_percent: Annotated[Decimal, Field(gt=0, le=100)] | None = None
    refresh_look_seconds: Seconds = 300
    release_policy: ReleasePolicy = ReleasePolicy.ACKNOWLEDGE
    release_contributors: Count = 3
    release_percent: Annotated[int, Field(gt=0, lt=100)] = 10
    release_dominance: str = "1:75,2:85"
    release_min_digits: Annotated[int, Field(ge=1, le=MAX_DIGITS)] = 3
    release_scope: ReleaseScope = ReleaseScope.POOLED
    release_max_unknowns: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    release_max_constraints: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000

    # Partnerships.
    credential_lifetime_days: Annotated[int, Field(ge=60, le=3_650)] = 365
    rotation_overlap_hours: Annotated[float, Field(gt=0, le=8_760)] = 168
    approval_poll_seconds: Seconds = 15

    # What peers may ask of this node.
    max_connections: Count = 1_000
    max_connections_per_address: Count = 250
    max_requests_per_second: Annotated[int, Field(ge=0)] = 2_000
    token_lifetime_seconds: Annotated[int, Field(ge=60, le=86_400)] = 900
    token_cache_size: Count = 10_000
    auth_free_failures: Count = 5
    auth_free_failures_per_address: Count = 20
    auth_max_delay_seconds: Seconds = 60
    auth_failure_memory_seconds: Seconds = 3_600
    default_page_size: Count = 1_000
    max_page_size: Count = 1_000
    max_inbox_bytes_per_peer: Count = 256 * 1024 * 1024
    max_inbox_events_per_peer: Count = 10_000
    max_request_body_bytes: Count = 16 * 1024 * 1024
    max_token_request_bytes: Count = 16 * 1024
    max_json_depth: Count = 64
    max_import_bytes: Count = 256 * 1024 * 1024
    max_energy_values: Count = 500_000
    receipt_wait_seconds: Seconds = 5
    max_endorsement_questions_per_peer: Count = 100
    max_endorsements_per_peer_per_day: Count = 1_000

    # Deliveries to peers.
    outbox_first_retry_seconds: Seconds = 5
    outbox_max_retry_seconds: Seconds = 3_600
    outbox_give_up_hours: Seconds = 72
    outbox_lease_seconds: Seconds = 120
    outbox_concurrency: Count = 32
    outbox_refused_attempts: Count = 3
    max_event_bytes: Count = 8 * 1024 * 1024
    max_event_footprints: Count = 1_000
    inbox_attempts: Count = 5
    worker_poll_seconds: Seconds = 0.2

    # Calls to peers.
    http_connect_timeout_seconds: Seconds = 10
    http_timeout_seconds: Seconds = 30
    http_total_timeout_seconds: Seconds = 300
    http_attempts: Count = 4
    http_max_retry_after_seconds: Seconds = 120
    max_response_bytes: Count = 64 * 1024 * 1024
    max_pages: Count = 100_000
    pull_page_size: Count = 1_000
    pull_pages_ahead: Count = 2

    # The database.
    database_busy_timeout_seconds: Seconds = 10
    database_reader_threads: Count = 4
    database_mmap_bytes: Annotated[int, Field(ge=0)] = 2 * 1024 * 1024 * 1024

    # Logs.
    log_level: LogLevel = LogLevel.INFO
    access_log: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the arguments: `load_settings` merges the sources, because it knows the home."""
        return (init_settings,)

    @field_validator("trusted_proxies", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Environment variables hold lists separated by commas."""
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            ip_network(item, strict=False)
        return value

    @field_validator("release_dominance")
    @classmethod
    def _rules(cls, value: str) -> str:
        if value and not DOMINANCE.fullmatch(value):
            raise ValueError("expected N:PERCENT, such as 1:75, separated by commas")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.default_page_size > self.max_page_size:
            raise ValueError("default_page_size is larger than max_page_size")
        if self.outbox_first_retry_seconds > self.outbox_max_retry_seconds:
            raise ValueError("outbox_first_retry_seconds is larger than outbox_max_retry_seconds")
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file belong together: one is missing")
        if self.database_password_file is not None and self.database_url is None:
            raise ValueError("database_password_file belongs to database_url, which is missing")
        return self


def load_settings(home: Home, **arguments: object) -> Settings:
    """Merge arguments, environment, `underseal.toml` and defaults, in this order of precedence.

    Args:
        home: the home directory; its configuration file may be absent.
        arguments: settings given on the command line; `None` means not given.

    Raises:
        ConfigurationError: the file is not TOML, a key is unknown or a value is not allowed.
    """
    from_file = _read_file(home.config_file)
    from_environment: dict[str, Any] = EnvSettingsSource(Settings)()
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**{**from_file, **from_environment, **given})
    except ValidationError as error:
        raise ConfigurationError(
            _explain(error, home.config_file, from_environment, given),
            hint="docs/reference/settings.md lists every setting with its unit.",
        ) from None


def _read_file(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not a TOML file: {error}") from error
    for key in values:
        if key not in Settings.model_fields:
            close = difflib.get_close_matches(key, Settings.model_fields, n=1)
            raise ConfigurationError(
                f"{file} has an unknown setting `{key}`",
                hint=f"Did you mean `{close[0]}`?"
                if close
                else "docs/reference/settings.md lists every setting.",
            )
    return values


def _explain(
    error: ValidationError, file: Path, environment: dict[str, Any], given: dict[str, Any]
) -> str:
    """Say where each refused value came from, without showing it: it may be a secret."""
    sentences = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        if not name:
            sentences.append(item["msg"].removeprefix("Value error, "))
            continue
        if name in given:
            place = f"the argument {name}"
        elif name in environment:
            place = f"the environment variable {ENV_PREFIX}{name.upper()}"
        else:
            place = f"`{name}` in {file}"
        sentences.append(f"{place}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(sentences)
