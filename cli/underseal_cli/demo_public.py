"""The demo: what anybody can ask a node, and whoever has credentials of it."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from underseal_cli.demo_cast import Cast

__all__ = ["fetch_token", "public"]


def public(
    cast: Cast,
    key: str,
    method: str,
    path: str,
    token: str | None = None,
    *,
    scheme: str = "Bearer",
    form: str | None = None,
) -> tuple[int, Any]:
    """Call a node as any PACT client would: status and JSON body."""
    host = urlsplit(cast.node(key).url)
    connection = http.client.HTTPSConnection(
        host.hostname or "", host.port, timeout=30, context=cast.bench.client_context()
    )
    headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, path, body=form, headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def fetch_token(cast: Cast, owner: str, peer: str) -> str:
    """A token for the credentials that `owner` issued to `peer`."""
    issued = cast.credentials[owner, peer]
    pair = f"{issued['client_id']}:{issued['client_secret']}".encode()
    basic = base64.b64encode(pair).decode()
    form = "grant_type=client_credentials"
    _, body = public(cast, owner, "POST", "/auth/token", basic, scheme="Basic", form=form)
    return str(body["access_token"])
