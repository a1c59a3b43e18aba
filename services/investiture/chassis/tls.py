"""Transport security from files: what a server shows, what a client trusts."""

from pathlib import Path

import grpc

from investiture.chassis.settings import SettingsError, TlsSettings, variable


def server_credentials(settings: TlsSettings) -> grpc.ServerCredentials | None:
    """Return a server's credentials; ``None`` means plain text.

    Raises:
        SettingsError: a file cannot be read.
    """
    pair = _pair(settings)
    if pair is None:
        return None
    clients = _read(settings.tls_ca_file, "tls_ca_file") if settings.tls_ca_file else None
    required = settings.tls_require_client_cert
    return grpc.ssl_server_credentials(
        [pair], root_certificates=clients if required else None, require_client_auth=required
    )


def client_credentials(settings: TlsSettings) -> grpc.ChannelCredentials | None:
    """Return what a client of our servers needs; ``None`` means plain text.

    Raises:
        SettingsError: a file cannot be read.
    """
    pair = _pair(settings)
    if pair is None and settings.tls_ca_file is None:
        return None
    roots = _read(settings.tls_ca_file, "tls_ca_file") if settings.tls_ca_file else None
    key, certificate = pair or (None, None)
    return grpc.ssl_channel_credentials(roots, key, certificate)


def _pair(settings: TlsSettings) -> tuple[bytes, bytes] | None:
    if settings.tls_key_file is None or settings.tls_cert_file is None:
        return None
    return (
        _read(settings.tls_key_file, "tls_key_file"),
        _read(settings.tls_cert_file, "tls_cert_file"),
    )


def _read(path: Path, field: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{variable(field)}={path} cannot be read: {error.strerror}") from None
