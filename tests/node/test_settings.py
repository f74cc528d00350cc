"""Settings: which source wins, and what is refused with which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.settings import RequestsAnswer, Settings, load_settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_argument_wins_over_environment_over_file_over_default(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(home).requests_answer is RequestsAnswer.ASSIST
    home.config_file.write_text('requests_answer = "manual"\n')
    assert load_settings(home).requests_answer is RequestsAnswer.MANUAL
    monkeypatch.setenv("UNDERSEAL_REQUESTS_ANSWER", "auto")
    assert load_settings(home).requests_answer is RequestsAnswer.AUTO
    assert load_settings(home, requests_answer="assist").requests_answer is RequestsAnswer.ASSIST


def test_an_argument_that_is_none_was_not_given(home: Home) -> None:
    home.config_file.write_text("port = 9443\n")
    assert load_settings(home, port=None).port == 9443


def test_an_unknown_key_is_refused_and_the_near_one_named(home: Home) -> None:
    home.config_file.write_text('request_answer = "auto"\n')
    with pytest.raises(ConfigurationError, match="unknown setting `request_answer`") as caught:
        load_settings(home)
    assert caught.value.hint == "Did you mean `requests_answer`?"


def test_an_unknown_argument_is_refused(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="argument no_such_setting"):
        load_settings(home, no_such_setting=1)


def test_a_file_that_is_not_toml_is_refused(home: Home) -> None:
    home.config_file.write_text("port: 9443\n")
    with pytest.raises(ConfigurationError, match=r"underseal\.toml is not a TOML file"):
        load_settings(home)


def test_a_refused_value_is_traced_to_its_source(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.config_file.write_text("port = 70000\n")
    with pytest.raises(ConfigurationError, match=r"`port` in .*underseal\.toml: .*65535"):
        load_settings(home)
    monkeypatch.setenv("UNDERSEAL_PORT", "many")
    with pytest.raises(ConfigurationError, match="environment variable UNDERSEAL_PORT"):
        load_settings(home)
    with pytest.raises(ConfigurationError, match="argument port"):
        load_settings(home, port=-1)


def test_a_refused_value_is_not_repeated(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSEAL_TOKEN_LIFETIME_SECONDS", "canary-value")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(home)
    assert "canary-value" not in caught.value.diagnosis()


def test_the_database_password_is_not_shown(home: Home) -> None:
    settings = load_settings(home, database_url="postgresql://u:canary@db/x")
    assert "canary" not in repr(settings)
    assert settings.database_url is not None
    assert "canary" in settings.database_url.get_secret_value()


def test_lists_are_separated_by_commas_in_the_environment(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSEAL_TRUSTED_PROXIES", "10.0.0.1, 10.1.0.0/16,")
    assert load_settings(home).trusted_proxies == ("10.0.0.1", "10.1.0.0/16")


def test_lists_are_arrays_in_the_file(home: Home) -> None:
    home.config_file.write_text('allowed_hosts = ["a.example", "b.example"]\n')
    assert load_settings(home).allowed_hosts == ("a.example", "b.example")


def test_a_proxy_that_is_no_address_is_refused(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        load_settings(home, trusted_proxies="proxy.example")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"default_page_size": 500, "max_page_size": 100}, "default_page_size is larger"),
        ({"outbox_first_retry_seconds": 9000}, "outbox_first_retry_seconds is larger"),
        ({"tls_cert_file": "cert.pem"}, "belong together"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    home: Home, values: dict[str, object], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        load_settings(home, **values)


def test_settings_made_directly_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSEAL_PORT", "9443")
    assert Settings().port == 8443


def test_what_opens_the_node_up_is_off_by_default() -> None:
    settings = Settings()
    assert not settings.allow_private_networks
    assert not settings.behind_proxy
    assert settings.manage_host == "127.0.0.1"
    assert settings.trusted_proxies == ()


def test_the_reference_documents_every_setting_and_no_other() -> None:
    assert [name for name, _ in documented()] == list(Settings.model_fields)


def test_the_reference_states_the_defaults() -> None:
    fields = Settings.model_fields.items()
    assert dict(documented()) == {name: shown(field.default) for name, field in fields}


def documented() -> list[tuple[str, str]]:
    """Name and default of each row of the tables."""
    return re.findall(r"^\| `(\w+)` \| (.+?) \|", REFERENCE.read_text(encoding="utf-8"), re.M)


def shown(default: object) -> str:
    """A default as it would be written in the TOML file."""
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"
