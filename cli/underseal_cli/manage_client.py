"""Calls to the management listener of a running node, and the one fetch that `verify --url` makes.

The node says where it listens in `run/node.json` of its home; the operator token beside it opens
the door. Whoever cannot read the home cannot use the node.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from underseal_cli.errors import CliError, NoNodeError, RefusedError

__all__ = ["Manage", "fetch_keys", "segment"]

# Signing a large file takes its time; connecting to the own machine does not.
TIMEOUT = httpx.Timeout(600.0, connect=5.0)
FETCH_TIMEOUT = httpx.Timeout(30.0)
MAX_KEYS_BYTES = 256 * 1024


def segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


class Manage:
    """The management API of one node.

    Args:
        home: the home directory of the node.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    def get(self, path: str, **query: Any) -> Any:
        """GET a JSON document."""
        return self._json("GET", path, params=_without_none(query))

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """POST a JSON document; the answer is one."""
        return self._json("POST", path, params=_without_none(query), json=body or {})

    def patch(self, path: str, body: Any) -> Any:
        """PATCH with a JSON document."""
        return self._json("PATCH", path, json=body)

    def delete(self, path: str) -> Any:
        """DELETE; what the node says about it, if anything."""
        return self._json("DELETE", path)

    def upload(self, path: str, content: bytes, **query: Any) -> Any:
        """POST a file as it is."""
        headers = {"content-type": "application/octet-stream"}
        params = _without_none(query)
        return self._json("POST", path, params=params, content=content, headers=headers)

    def download(self, method: str, path: str, body: Any = None) -> bytes:
        """What is no JSON.

        Raises:
            CliError: the node does not answer, or refuses.
        """
        with self._client() as client:
            return _checked(client.request(method, path, json=body)).content

    def _json(self, method: str, path: str, **arguments: Any) -> Any:
        with self._client() as client:
            answer = _checked(client.request(method, path, **arguments))
            if not answer.content:
                return None
            try:
                return answer.json()
            except ValueError:
                raise CliError(
                    "what answers at the management address is not this node",
                    hint="Stop it, or start the node with another --manage-port.",
                ) from None

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        url, token = self._address(), self._token()
        headers = {"authorization": f"Bearer {token}"}
        try:
            with httpx.Client(
                base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False
            ) as client:
                yield client
        except httpx.ConnectError:
            raise self._not_running() from None
        except httpx.TimeoutException:
            raise NoNodeError(
                "the node does not answer in time",
                hint="Its log says what keeps it; the command may have had its effect.",
            ) from None
        except httpx.HTTPError as error:
            raise NoNodeError(
                f"the connection to the node broke: {error}",
                hint="The command may have had its effect: look before you repeat it.",
            ) from None

    def _address(self) -> str:
        if not (self._home / "underseal.toml").exists():
            raise NoNodeError(
                f"there is no node in {self._home}",
                hint="Create one with `underseal init`, or name its home with --home or "
                "UNDERSEAL_HOME.",
            )
        try:
            running = json.loads((self._home / "run" / "node.json").read_text(encoding="utf-8"))
            return str(running["manage_url"])
        except (OSError, ValueError, KeyError, TypeError):
            raise self._not_running() from None

    def _not_running(self) -> NoNodeError:
        return NoNodeError(
            f"the node in {self._home} is not running",
            hint=f"Start it with `underseal --home {self._home} serve`.",
        )

    def _token(self) -> str:
        file = self._home / "secrets" / "operator.token"
        try:
            return file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise NoNodeError(
                f"the operator token {file} cannot be read",
                hint="Run the command as the user that runs the node.",
            ) from None


def fetch_keys(url: str, ca_file: Path | None) -> bytes:
    """The key set that a node publishes.

    Args:
        url: of the node, as the person at the terminal gave it.
        ca_file: further trust anchors.

    Raises:
        CliError: it cannot be had.
    """
    address = f"{url.rstrip('/')}/.well-known/jwks.json"
    if not address.lower().startswith("https://"):
        raise CliError(f"{url} is not an https URL", hint="Write it as https://HOST[:PORT][/PATH].")
    try:
        context = ssl.create_default_context()
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
        with (
            httpx.Client(verify=context, timeout=FETCH_TIMEOUT, trust_env=False) as client,
            client.stream("GET", address) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise CliError(f"{address} answered {answer.status_code}")
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > MAX_KEYS_BYTES:
                    raise CliError(
                        f"the key set at {address} is longer than {MAX_KEYS_BYTES} bytes"
                    )
            return content
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise CliError(
            f"the keys of {url} cannot be fetched: {error}",
            hint="If its certificate is of an authority of your own, name that in "
            "UNDERSEAL_CA_FILE.",
        ) from None


def default_home() -> Path:
    """`UNDERSEAL_HOME`, else `~/.underseal`."""
    named = os.environ.get("UNDERSEAL_HOME")
    return Path(named) if named else Path.home() / ".underseal"


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        refusal: Mapping[str, Any] = answer.json()
        message = str(refusal["message"])
    except (ValueError, KeyError, TypeError):
        raise CliError(
            f"the node answered {answer.status_code}, and not in a way that is understood",
            hint="The log of the node may say more.",
        ) from None
    raise RefusedError(message, hint=refusal.get("hint"), problems=refusal.get("problems") or ())


def _without_none(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
