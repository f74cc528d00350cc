"""What a token request says: form and credentials (RFC 6749 sections 2.3.1, 3.2 and 5.2)."""

from __future__ import annotations

import base64

import pytest

from underseal_node.pact.errors import TokenRequestError
from underseal_node.pact.token import MAX_PARAMETERS, SINGLE, credentials_of, form_of

FORM = "application/x-www-form-urlencoded"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize("content_type", [None, FORM, FORM.upper(), f" {FORM} ; charset=UTF-8;x"])
def test_a_form_is_read(content_type: str | None) -> None:
    assert form_of(content_type, b"a=b+c%21&empty=&a=last") == {"a": "last", "empty": ""}
    assert form_of(content_type, b"") == {}
    most = "&".join(f"p{number}=x" for number in range(MAX_PARAMETERS))
    assert len(form_of(content_type, most.encode())) == MAX_PARAMETERS


@pytest.mark.parametrize(
    ("content_type", "body", "description"),
    [
        ("application/json", b"{}", f"the content type must be {FORM}"),
        ("", b"a=b", f"the content type must be {FORM}"),
        (FORM, b"a=\xc3\xa4", "the form is malformed"),
        (FORM, b"a=%ff", "the form is malformed"),
        (FORM, b"&".join([b"a=b"] * (MAX_PARAMETERS + 1)), "the form is malformed"),
        *((FORM, f"{n}=1&{n}=1".encode(), f"{n} is there more than once") for n in SINGLE),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes, description: str) -> None:
    with pytest.raises(TokenRequestError) as refused:
        form_of(content_type, body)
    assert (refused.value.error, refused.value.message) == ("invalid_request", description)


@pytest.mark.parametrize(
    ("authorization", "form"),
    [
        (None, {"client_id": "me too", "client_secret": "a:b"}),
        (basic("me+too:a:b"), {}),
        (basic("me%20too:a%3Ab"), {"client_id": "me too"}),
        (basic("me+too:a:b").replace("Basic ", "bAsIc   ") + " ", {}),
    ],
)
def test_credentials_are_read(authorization: str | None, form: dict[str, str]) -> None:
    assert credentials_of(authorization, form) == ("me too", "a:b")


def test_an_empty_secret_is_one() -> None:
    """It is wrong, as any other is, and is counted as such."""
    assert credentials_of(None, {"client_id": "me", "client_secret": ""}) == ("me", "")


MISSING = "client credentials are missing"
MALFORMED = "the Authorization header is malformed"


@pytest.mark.parametrize(
    ("authorization", "form", "error", "description"),
    [
        (None, {}, "invalid_client", MISSING),
        (None, {"client_id": "me"}, "invalid_client", MISSING),
        (None, {"client_secret": "x"}, "invalid_client", MISSING),
        (None, {"client_id": "", "client_secret": "x"}, "invalid_client", MISSING),
        ("Bearer x", {}, "invalid_client", "only the scheme Basic is supported here"),
        ("", {}, "invalid_client", "only the scheme Basic is supported here"),
        ("Basic", {}, "invalid_client", MALFORMED),
        ("Basic !bWU6eA==", {}, "invalid_client", MALFORMED),
        (basic("no colon"), {}, "invalid_client", MALFORMED),
        (basic("%ff:x"), {}, "invalid_client", MALFORMED),
        (basic("me:%ff"), {}, "invalid_client", MALFORMED),
        (f"Basic {base64.b64encode(bytes([255, 58])).decode()}", {}, "invalid_client", MALFORMED),
        (
            basic("me:x"),
            {"client_secret": ""},
            "invalid_request",
            "client credentials are in the header and in the body",
        ),
        (
            basic("me:x"),
            {"client_id": "you"},
            "invalid_request",
            "the header and the body name two clients",
        ),
    ],
)
def test_credentials_that_are_none_are_refused(
    authorization: str | None, form: dict[str, str], error: str, description: str
) -> None:
    with pytest.raises(TokenRequestError) as refused:
        credentials_of(authorization, form)
    assert (refused.value.error, refused.value.message) == (error, description)
