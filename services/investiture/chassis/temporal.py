"""The Temporal client of a process: the one file that knows the OpenTelemetry plugin.

The plugin is marked experimental; it is kept here so that replacing it is one change.
"""

from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import Sampler
from temporalio.client import Client
from temporalio.contrib.opentelemetry import (
    OpenTelemetryPlugin,
    ReplaySafeTracerProvider,
    create_tracer_provider,
)
from temporalio.service import TLSConfig

from investiture.chassis.settings import SettingsError, TemporalSettings, variable


async def connect(settings: TemporalSettings, *, lazy: bool = False) -> Client:
    """Return a client of the cluster the settings name.

    Args:
        settings: address, namespace, TLS or API key.
        lazy: connect with the first call instead of now: what outlives a cluster that is down.
            A worker needs a connected client and leaves it off.

    Raises:
        RuntimeError: the cluster does not answer, unless ``lazy``.
        SettingsError: a TLS file cannot be read.
    """
    key = settings.temporal_api_key
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=key.get_secret_value() if key else None,
        tls=_tls(settings),
        plugins=[OpenTelemetryPlugin(add_temporal_spans=False)],
        lazy=lazy,
    )


def replay_safe_provider(
    *, sampler: Sampler, resource: Resource, shutdown_on_exit: bool
) -> ReplaySafeTracerProvider:
    """Make a worker's tracer provider: a replayed workflow does not repeat its spans."""
    return create_tracer_provider(
        sampler=sampler, resource=resource, shutdown_on_exit=shutdown_on_exit
    )


def _tls(settings: TemporalSettings) -> bool | TLSConfig:
    authority = _read(settings.temporal_tls_ca_file, "temporal_tls_ca_file")
    certificate = _read(settings.temporal_tls_cert_file, "temporal_tls_cert_file")
    key = _read(settings.temporal_tls_key_file, "temporal_tls_key_file")
    if authority or certificate:
        return TLSConfig(
            server_root_ca_cert=authority, client_cert=certificate, client_private_key=key
        )
    return settings.temporal_tls or settings.temporal_api_key is not None


def _read(path: Path | None, field: str) -> bytes | None:
    try:
        return path.read_bytes() if path else None
    except OSError as error:
        raise SettingsError(f"{variable(field)}={path} cannot be read: {error.strerror}") from None
