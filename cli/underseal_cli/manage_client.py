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
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from underseal_cli.errors import CliError, NoNodeError, RefusedError
from underseal_cli.files import read_input, write_whole

if TYPE_CHECKING:
    import httpx

__all__ = ["Manage", "base_url", "default_home", "fetch_keys", "segment"]

# Signing a large file takes its time; connecting to the own machine does not.
ANSWER_SECONDS = 600.0
CONNECT_SECONDS = 5.0
FETCH_SECONDS = 30.0
MAX_KEYS_BYTES = 256 * 1024
UNAUTHORIZED = 401
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
OK = 200


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

    def address_of(self, path: str) -> str:
        """The address of a page of the node, for a browser on this machine."""
        parts = urlsplit(self._address())
        if parts.hostname in EVERY_ADDRESS:
            return f"{parts.scheme}://127.0.0.1:{parts.port}{path}"
        return f"{parts.scheme}://{parts.netloc}{path}"

    def get(self, path: str, **query: Any) -> Any:
        """GET a JSON document."""
        return self._json("GET", path, params=_without_none(query))

    def bytes_of(self, path: str, **query: Any) -> bytes:
        """GET what is kept as it is, byte for byte."""
        with self._client() as client:
            answer = client.get(path, params=_without_none(query))
        self._check(answer)
        return bytes(answer.content)

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

    def download(
        self, method: str, path: str, file: Path, body: Any = None, *, replace: bool = True
    ) -> int:
        """Write what is no JSON into a file.

        Args:
            method: of HTTP.
            path: of the endpoint.
            file: where to; whole, or not at all.
            body: a JSON document to send.
            replace: whether an existing file may be replaced.

        Returns:
            How many bytes it has.

        Raises:
            CliError: the node does not answer, or refuses, or the file cannot be written.
        """
        with self._client() as client, client.stream(method, path, json=body) as answer:
            if not answer.is_success:
                answer.read()
            self._check(answer)
            return write_whole(file, answer.iter_bytes(), replace=replace)

    def _json(self, method: str, path: str, **arguments: Any) -> Any:
        with self._client() as client:
            answer = client.request(method, path, **arguments)
        self._check(answer)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            raise self._somebody_else() from None

    def _check(self, answer: httpx.Response) -> None:
        """
        Raises:
            CliError: the node refuses, or what answers is no node.
        """
        if answer.is_success:
            return
        try:
            refusal: Mapping[str, Any] = answer.json()
            message = str(refusal["message"])
        except (ValueError, KeyError, TypeError):
            raise self._somebody_else() from None
        if answer.status_code == UNAUTHORIZED:
            raise RefusedError(
                f"the node does not accept the operator token in {self._home}",
                hint="The home was replaced while the node ran, or another node has its address: "
                "restart the node.",
            )
        raise RefusedError(
            message, hint=refusal.get("hint"), problems=refusal.get("problems") or ()
        )

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        import httpx

        url, token = self._address(), self._token()
        # Plain HTTP on this machine: a context that trusts nobody, and costs nothing to make.
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            with httpx.Client(
                base_url=url,
                headers={"authorization": f"Bearer {token}"},
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                trust_env=False,
                verify=nobody,
            ) as client:
                yield client
        except httpx.ConnectError:
            raise self._not_running() from None
        except httpx.TimeoutException:
            raise NoNodeError(
                "the node does not answer in time",
                hint="Its log says what keeps it; the command may have had its effect.",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoNodeError(
                f"the connection to the node broke: {str(error) or type(error).__name__}",
                hint="The command may have had its effect: look before you repeat it.",
            ) from None

    def _address(self) -> str:
        try:
            is_home = (self._home / "underseal.toml").exists()
            running = self._home / "run" / "node.json"
            content = json.loads(running.read_text(encoding="utf-8")) if is_home else None
        except PermissionError as error:
            raise NoNodeError(
                f"{error.filename} cannot be read: {error.strerror}",
                hint="Run the command as the user that runs the node.",
            ) from None
        except (OSError, ValueError):
            raise self._not_running() from None
        if not is_home:
            raise NoNodeError(
                f"there is no node in {self._home}",
                hint="Create one with `underseal init`, or name its home with --home or "
                "UNDERSEAL_HOME.",
            )
        url = content.get("manage_url") if isinstance(content, dict) else None
        if not isinstance(url, str) or not url.startswith("http://"):
            raise self._not_running()
        return url

    def _not_running(self) -> NoNodeError:
        return NoNodeError(
            f"the node in {self._home} is not running",
            hint=f"Start it with `underseal --home {self._home} serve`.",
        )

    def _somebody_else(self) -> CliError:
        return CliError(
            "what answers at the management address is not this node",
            hint="Stop it, or start the node with another --manage-port.",
        )

    def _token(self) -> str:
        file = self._home / "secrets" / "operator.token"
        try:
            token = file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        if not token.isprintable() or not token:
            raise NoNodeError(
                f"the operator token {file} cannot be read",
                hint="Run the command as the user that runs the node.",
            )
        return token


def base_url(url: str) -> str:
    """The URL of a node in the form in which it signs: host in lower case, no default port.

    Raises:
        CliError: it is not an https URL of a node.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    has_more = parts.username is not None or parts.query or parts.fragment
    if parts.scheme != "https" or not parts.hostname or has_more:
        raise CliError(
            "the URL is not the https URL of a node", hint="Write it as https://HOST[:PORT][/PATH]."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port in (None, 443) else f"{host}:{port}"
    return f"https://{authority}{parts.path.rstrip('/')}"


def fetch_keys(url: str, ca_file: Path | None) -> bytes:
    """The key set that a node publishes.

    Args:
        url: of the node, in the form of `base_url`.
        ca_file: further trust anchors.

    Raises:
        CliError: it cannot be had.
    """
    import httpx

    address = f"{url}/.well-known/jwks.json"
    context = _tls(ca_file)
    content = bytearray()
    try:
        with (
            httpx.Client(verify=context, timeout=FETCH_SECONDS, trust_env=False) as client,
            client.stream("GET", address) as answer,
        ):
            if answer.status_code != OK:
                raise CliError(
                    f"{address} answered {answer.status_code}, expected {OK}",
                    hint="Give the URL of the node that signed, without /3/footprints.",
                )
            for part in answer.iter_bytes():
                content += part
                if len(content) > MAX_KEYS_BYTES:
                    raise CliError(
                        f"the key set at {address} is longer than {MAX_KEYS_BYTES} bytes"
                    )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CliError(
            f"the keys of {url} cannot be fetched: {str(error) or type(error).__name__}",
            hint="If its certificate is of an authority of your own, name that in "
            "UNDERSEAL_CA_FILE.",
        ) from None
    return bytes(content)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            # Comments between the certificates may be in any language.
            context.load_verify_locations(cadata=read_input(ca_file).decode("ascii", "ignore"))
        except ssl.SSLError:
            raise CliError(
                f"{ca_file}, named in UNDERSEAL_CA_FILE, holds no certificates",
                hint="PEM is expected: -----BEGIN CERTIFICATE----- ...",
            ) from None
    return context


def default_home() -> Path:
    """`UNDERSEAL_HOME`, else `~/.underseal`."""
    named = os.environ.get("UNDERSEAL_HOME")
    return Path(named) if named else Path.home() / ".underseal"


def _without_none(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
