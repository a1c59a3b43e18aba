"""Settings: read once at start from ``INVESTITURE_…`` variables, typed, refused by name.

Each group is what one concern needs, so that a test builds just that group; :class:`Settings` is
all of them read from the environment, and :class:`ServiceSettings` adds what a service that owns
records cannot start without.
"""

import difflib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "INVESTITURE_"
EX_CONFIG = 78
"""The exit code of a start refused for its configuration (sysexits.h)."""

_PEER = re.compile(rf"{PREFIX}([A-Z][A-Z0-9]*)_ADDRESS")
_NOT_PEERS = frozenset({"temporal"})
_CONFIDENTIAL = frozenset({"database_url", "temporal_api_key"})


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several words in one variable, separated by commas."""

T = TypeVar("T", bound="Settings")


class SettingsError(Exception):
    """The configuration cannot be used; each line names a variable and what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class TlsSettings(_Group):
    """Files of the transport's identity; none of them means plain text (loopback only)."""

    tls_cert_file: Path | None = None
    """The process's own certificate chain, PEM: served, and shown to peers that ask for one."""
    tls_key_file: Path | None = None
    """The private key of ``tls_cert_file``, PEM."""
    tls_ca_file: Path | None = None
    """The authorities this process trusts, PEM: for peers it dials and, under mTLS, for clients."""
    tls_require_client_cert: bool = False
    """Whether a client must show a certificate signed by ``tls_ca_file`` (mTLS)."""

    @model_validator(mode="after")
    def _whole_pairs(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file go together: give both or neither")
        if self.tls_require_client_cert and (self.tls_ca_file is None or not self.tls_cert_file):
            raise ValueError(
                "tls_require_client_cert needs tls_cert_file, tls_key_file and tls_ca_file"
            )
        return self


class ServerSettings(TlsSettings):
    """What the gRPC server needs."""

    host: str = "127.0.0.1"
    """The interface to listen on."""
    port: int = Field(default=0, ge=0, le=65535)
    """A port number; 0 takes a free port, and the log line ``serving`` says which."""
    reflection: bool = False
    """Whether the server describes its API to tools (on in the embedded stack)."""
    unary_deadline_seconds: float = Field(default=10.0, gt=0)
    """For a unary call whose client gave no deadline."""
    watch_limit_seconds: float = Field(default=1800.0, gt=0)
    """After which a server stream ends with OK, and its client resumes."""
    max_in_flight: int = Field(default=256, ge=1)
    """Unary calls at once; lower priorities are refused before the last places are taken."""
    max_watches: int = Field(default=512, ge=1)
    """Server streams at once."""
    max_connection_age_seconds: int = Field(default=3600, ge=1)
    """After which a connection is asked to reconnect, so that load spreads over replicas."""
    drain_seconds: float = Field(default=10.0, ge=0)
    """How long calls under way may take to end when the process stops."""


class IdentitySettings(_Group):
    """Whose tokens are believed: the local issuer's (default) or an OIDC issuer's."""

    issuer: str = "investiture"
    """The ``iss`` claim; for OIDC the issuer's URL."""
    audience: str = "investiture"
    """The ``aud`` claim."""
    jwks: str = ""
    """The OIDC issuer's keys: an https URL or a file; empty means the local issuer."""
    issuer_key_file: Path | None = None
    """The local issuer's key, made at first start if it is missing (mode 600)."""
    roles_claim: str = "roles"
    """Where the roles are in the token, dotted: ``realm_access.roles``."""
    subject_claim: str = "sub"
    """The claim that becomes ``people/<claim>``; dotted paths work too."""
    workload_subjects: Words = ()
    """OIDC subjects that are workloads, not people, separated by commas."""
    token_cache_size: int = Field(default=4096, ge=1)
    """Verified tokens kept until they expire."""


class CallerSettings(_Group):
    """How this process proves who it is when it calls others."""

    token_file: Path | None = None
    """A bearer token, read again when the file changes."""
    token_subject: str = ""
    """Minted with the local issuer's key when there is no ``token_file``: ``workloads/worker``."""
    token_roles: Words = ()
    """The roles of a minted token, separated by commas."""


class TelemetrySettings(_Group):
    """Where logs, traces and metrics go."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe lines that are written."""
    log_file: Path | None = None
    """JSON lines; empty means standard error."""
    otlp_endpoint: str = ""
    """An OTLP/gRPC collector for traces and metrics, ``http://host:4317``."""
    traces_file: Path | None = None
    """Spans as JSON lines, for machines without a collector; several processes may share it."""
    trace_ratio: float = Field(default=1.0, ge=0, le=1)
    """The share of new traces that are sampled; a sampled caller's trace always is."""


class TemporalSettings(_Group):
    """The Temporal cluster."""

    temporal_address: str = "127.0.0.1:7233"
    """The frontend's host:port."""
    temporal_namespace: str = "default"
    """The namespace; ``name.account`` on Temporal Cloud."""
    temporal_tls: bool = False
    """Whether to speak TLS; implied by any of the files below and by an API key."""
    temporal_tls_cert_file: Path | None = None
    """The client certificate, PEM, for mTLS."""
    temporal_tls_key_file: Path | None = None
    """The private key of the client certificate, PEM."""
    temporal_tls_ca_file: Path | None = None
    """The authority of the frontend's certificate, PEM; empty means the system's."""
    temporal_api_key: SecretStr | None = None
    """A Temporal Cloud API key, instead of mTLS."""


class _Peers(PydanticBaseSettingsSource):
    """Collects every ``INVESTITURE_<NAME>_ADDRESS`` into ``peers``: no service is named here."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = ((_PEER.fullmatch(name), value) for name, value in os.environ.items())
        peers = {match[1].lower(): value for match, value in found if match and value}
        return {"peers": {name: at for name, at in peers.items() if name not in _NOT_PEERS}}


# The ignore: a SettingsConfigDict is a ConfigDict with more keys, and is overridden on purpose.
class Settings(  # pyright: ignore[reportIncompatibleVariableOverride]
    ServerSettings,
    IdentitySettings,
    CallerSettings,
    TelemetrySettings,
    TemporalSettings,
    BaseSettings,
):
    """All that a process may be told, from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        use_attribute_docstrings=True,
    )

    peers: Mapping[str, str] = Field(default_factory=dict)
    """Addresses of the services by name, each from ``INVESTITURE_<NAME>_ADDRESS``."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment; no dotenv file, no secrets folder."""
        return init_settings, env_settings, _Peers(settings_cls)

    def peer(self, name: str) -> str:
        """Return the address of the service called ``name``.

        Raises:
            SettingsError: its variable is not set.
        """
        try:
            return self.peers[name]
        except KeyError:
            raise SettingsError(
                f"{PREFIX}{name.upper()}_ADDRESS is not set: give the host:port of {name}"
            ) from None


class ServiceSettings(Settings):
    """What a service that owns records cannot start without."""

    database_url: str = Field(pattern=r"^(sqlite|postgresql(\+psycopg)?)://")
    """``sqlite:///file.db`` or ``postgresql+psycopg://user@host/database``."""
    key_folder: Path
    """Public keys of all services, and this one's private key under ``private/``."""
    charter: Path
    """The charter file of the first start; afterwards two people change the charter."""
    charter_refresh_seconds: float = Field(default=2.0, gt=0)
    """How often to look for a charter that two people have signed."""
    attendance_seconds: float = Field(default=1.0, gt=0)
    """How often a service looks who has left or is away, and hands on what they hold."""
    expiry_seconds: float = Field(default=1.0, gt=0)
    """How often a service settles what has timed out."""


def load(kind: type[T], **given: Any) -> T:
    """Read the settings of one process.

    Raises:
        SettingsError: with one line for each variable that is missing or wrong.
    """
    try:
        return kind(**given)
    except ValidationError as error:
        lines = [_line(kind, problem) for problem in error.errors(include_url=False)]
        raise SettingsError(*lines) from None


def load_or_exit(kind: type[T], **given: Any) -> T:
    """Read the settings; print what is wrong and exit with 78 if they cannot be used."""
    try:
        settings = load(kind, **given)
    except SettingsError as error:
        exit_refused(error)
    for line in misspelt(kind):
        sys.stderr.write(f"{line}\n")
    return settings


def exit_refused(error: Exception) -> NoReturn:
    """Print why the process does not start, without a stack, and exit with 78."""
    sys.stderr.write(f"{error}\n")
    raise SystemExit(EX_CONFIG) from None


def misspelt(kind: type[Settings]) -> list[str]:
    """Return a line for each variable with our prefix that looks like a misspelt setting."""
    known = [variable(name) for name in kind.model_fields]
    strangers = (v for v in os.environ if v.startswith(PREFIX) and not _PEER.fullmatch(v))
    near = ((v, difflib.get_close_matches(v, known, 1, 0.85)) for v in strangers)
    return [f"{v} is not a setting: did you mean {c[0]}?" for v, c in near if c and c[0] != v]


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field.upper()


def _line(kind: type[Settings], problem: Mapping[str, Any]) -> str:
    path = problem["loc"]
    if not path:
        message = str(problem["msg"]).removeprefix("Value error, ")
        for field in sorted(kind.model_fields, key=len, reverse=True):
            message = re.sub(rf"(?<![\w.]){field}(?!\w)", variable(field), message)
        return message
    field = str(path[0])
    wanted = " ".join((kind.model_fields[field].description or "give it a value").split())
    if problem["type"] == "missing":
        return f"{variable(field)} is not set. Wanted: {wanted}"
    given = "" if field in _CONFIDENTIAL else f"={problem['input']!s}"
    return f"{variable(field)}{given} cannot be used: {problem['msg']}. Wanted: {wanted}"
