"""The Temporal client: connects when it must, not when it is made."""

from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from temporalio.contrib.opentelemetry import ReplaySafeTracerProvider

from investiture.chassis import temporal
from investiture.chassis.settings import SettingsError, TemporalSettings


async def test_a_lazy_client_is_made_while_temporal_is_down() -> None:
    settings = TemporalSettings(temporal_address="127.0.0.1:1", temporal_namespace="launches")
    client = await temporal.connect(settings, lazy=True)
    assert client.namespace == "launches"
    assert [plugin.name() for plugin in client.config()["plugins"]] == ["OpenTelemetryPlugin"]


async def test_an_eager_client_says_at_once_that_temporal_is_down() -> None:
    with pytest.raises(RuntimeError, match=r"(?i)connect"):
        await temporal.connect(TemporalSettings(temporal_address="127.0.0.1:1"))


async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    settings = TemporalSettings(temporal_tls_ca_file=tmp_path / "none.pem")
    with pytest.raises(SettingsError, match=r"INVESTITURE_TEMPORAL_TLS_CA_FILE=.*none\.pem"):
        await temporal.connect(settings, lazy=True)


def test_a_worker_traces_with_a_provider_that_is_safe_to_replay() -> None:
    provider = temporal.replay_safe_provider(
        sampler=ALWAYS_ON, resource=Resource({}), shutdown_on_exit=False
    )
    assert isinstance(provider, ReplaySafeTracerProvider)
