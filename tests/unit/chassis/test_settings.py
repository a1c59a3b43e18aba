"""Settings: from the environment, typed, refused by the variable's name."""

from pathlib import Path

import pytest

from investiture.chassis.settings import (
    EX_CONFIG,
    ServiceSettings,
    Settings,
    SettingsError,
    load,
    load_or_exit,
    misspelt,
)

COMPLETE = {
    "INVESTITURE_DATABASE_URL": "sqlite:///budget.db",
    "INVESTITURE_KEY_FOLDER": "keys",
    "INVESTITURE_CHARTER": "charter.yaml",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def _lines(kind: type[Settings] = ServiceSettings) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(kind)
    return caught.value.lines


def test_values_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INVESTITURE_PORT", "7001")
    environment.setenv("INVESTITURE_TOKEN_ROLES", "worker, operator")
    environment.setenv("INVESTITURE_REFLECTION", "true")
    settings = load(ServiceSettings)
    assert (settings.port, settings.reflection) == (7001, True)
    assert settings.token_roles == ("worker", "operator")
    assert settings.key_folder == Path("keys")


def test_every_missing_variable_is_named_with_what_it_is_for(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("INVESTITURE_DATABASE_URL")
    environment.setenv("INVESTITURE_CHARTER", "")
    database, charter = _lines()
    assert database.startswith("INVESTITURE_DATABASE_URL is not set. Wanted: ``sqlite:///")
    assert charter.startswith("INVESTITURE_CHARTER is not set. Wanted: The charter file of")


def test_a_wrong_value_is_named_with_its_remedy(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INVESTITURE_PORT", "70000")
    environment.setenv("INVESTITURE_LOG_LEVEL", "LOUD")
    level, port = sorted(_lines())
    assert port.startswith("INVESTITURE_PORT=70000 cannot be used: ")
    assert "Wanted: A port number" in port
    assert level.startswith("INVESTITURE_LOG_LEVEL=LOUD cannot be used: ")


def test_a_password_in_a_refused_url_is_not_printed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INVESTITURE_DATABASE_URL", "mysql://ada:secret@db/budget")
    (line,) = _lines()
    assert line.startswith("INVESTITURE_DATABASE_URL cannot be used: ")
    assert "secret" not in line


def test_an_api_key_is_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INVESTITURE_TEMPORAL_API_KEY", "secret")
    assert "secret" not in repr(load(Settings))


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (["TLS_CERT_FILE"], ["TLS_CERT_FILE", "TLS_KEY_FILE"]),
        (["TLS_KEY_FILE"], ["TLS_CERT_FILE", "TLS_KEY_FILE"]),
        (["TLS_REQUIRE_CLIENT_CERT"], ["TLS_REQUIRE_CLIENT_CERT", "TLS_CA_FILE"]),
    ],
)
def test_tls_files_come_whole(
    environment: pytest.MonkeyPatch, variables: list[str], named: list[str]
) -> None:
    for name in variables:
        environment.setenv(f"INVESTITURE_{name}", "1")
    (line,) = _lines()
    assert all(f"INVESTITURE_{name}" in line for name in named)


def test_peers_are_found_by_their_names(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INVESTITURE_SPONSORSHIP_ADDRESS", "127.0.0.1:7001")
    environment.setenv("INVESTITURE_TEMPORAL_ADDRESS", "127.0.0.1:7233")
    settings = load(Settings)
    assert settings.peers == {"sponsorship": "127.0.0.1:7001"}
    assert settings.peer("sponsorship") == "127.0.0.1:7001"
    with pytest.raises(SettingsError, match="INVESTITURE_LAUNCH_ADDRESS is not set"):
        settings.peer("launch")


def test_arguments_go_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INVESTITURE_PORT", "7001")
    assert load(Settings, port=0).port == 0


def test_a_misspelt_variable_is_pointed_out(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INVESTITURE_OTLP_ENDPONT", "http://collector:4317")
    environment.setenv("INVESTITURE_SOMETHING_ELSE", "1")
    assert misspelt(Settings) == [
        "INVESTITURE_OTLP_ENDPONT is not a setting: did you mean INVESTITURE_OTLP_ENDPOINT?"
    ]


def test_a_start_refused_for_its_settings_exits_with_78(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("INVESTITURE_KEY_FOLDER")
    with pytest.raises(SystemExit) as caught:
        load_or_exit(ServiceSettings)
    assert caught.value.code == EX_CONFIG == 78
    assert capsys.readouterr().err.startswith("INVESTITURE_KEY_FOLDER is not set")
