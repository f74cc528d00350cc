"""Whether the `source` of an event belongs to the peer that sends it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from underseal_node.pact.errors import ForeignSourceError

__all__ = ["check_source"]

HTTPS_PORT = 443
MAX_CHARACTERS = 2048


def check_source(source: str, base_url: str | None) -> None:
    """Refuse an event in another's name.

    `source` may be the registered base URL, with or without scheme and trailing slash, or anything
    under it, such as `.../3/events`. It is only compared: answers go to the registered address.

    Args:
        source: of the event, as authenticated peers send it.
        base_url: the registered base URL of the peer.

    Raises:
        ForeignSourceError: it is not the peer's, or the peer has no URL, so nothing can be.
    """
    if base_url is None:
        raise ForeignSourceError(
            "events are not accepted from you: no URL is registered that they could be answered at"
        )
    try:
        own_host, own_path = _place(base_url)
        host, path = _place(source)
    except ValueError:
        raise ForeignSourceError("the source of the event is not a URL") from None
    # With the slash, /tenant-1 does not contain /tenant-10.
    if host != own_host or not f"{path}/".startswith(f"{own_path}/"):
        raise ForeignSourceError(
            "the source of the event is not the registered address of the sender"
        )


def _place(url: str) -> tuple[str, str]:
    """Host with port and path, without the differences that do not matter.

    Raises:
        ValueError: it is not a URL of the kind that has a host.
    """
    if len(url) > MAX_CHARACTERS:
        raise ValueError("too long")
    for scheme in ("https://", "http://", "//"):
        if url[: len(scheme)].lower() == scheme:
            url = url[len(scheme) :]
            break
    parts = urlsplit(f"//{url}")
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("not a plain URL")
    path = parts.path.rstrip("/")
    if any(unquote(segment) in {".", ".."} for segment in path.split("/")):
        raise ValueError("a path that goes up")
    return f"{parts.hostname}:{parts.port or HTTPS_PORT}", path
