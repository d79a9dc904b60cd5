"""The configuration of a watch: what to watch and where to send alerts, read from a YAML file."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from features.imports.yaml_files import explain, read_yaml
from features.timeseries.level_blocks import Direction
from models.base.series_model import Bounds
from models.timeseries.anomaly_model import Tier
from serving.runtime.credentials import Credentials
from serving.runtime.errors import BadWatchConfig
from serving.runtime.http_client import HttpClient, parse_address
from serving.schemas.series import ZoneName

MOST_SERIES = 10_000


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Address = Annotated[str, AfterValidator(parse_address)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^/{}@\s][^/{}@]*$")]


class Authorization(_StrictModel):
    """A bearer token, or the file that holds it."""

    credentials: SecretStr | None = None
    credentials_file: Path | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.credentials is None) is (self.credentials_file is None):
            raise ValueError("give either credentials or credentials_file")
        return self


class BasicAuth(_StrictModel):
    """A user with a password, or with the file that holds it."""

    username: str = Field(min_length=1)
    password: SecretStr | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.password is None) is (self.password_file is None):
            raise ValueError("give either password or password_file")
        return self


class TlsFiles(_StrictModel):
    """PEM files: the authority of the server's certificate, and the client's certificate."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file needs cert_file")
        return self


class Endpoint(_StrictModel):
    """The address of a server, how long it may take to answer, and what it wants to see.

    The names are those of Prometheus's own `http_config`.
    """

    url: Address
    timeout_seconds: float = Field(10.0, gt=0, le=300)
    authorization: Authorization | None = None
    basic_auth: BasicAuth | None = None
    tls_config: TlsFiles = TlsFiles()

    @model_validator(mode="after")
    def _check_one_authorization(self) -> Self:
        if self.authorization is not None and self.basic_auth is not None:
            raise ValueError("give either authorization or basic_auth")
        return self

    def client(self) -> HttpClient:
        """Return a client of the server; raises `UnreadableCredentials`."""
        return HttpClient(self.url, self.timeout_seconds, credentials=self._credentials())

    def _credentials(self) -> Credentials:
        bearer, basic = self.authorization, self.basic_auth
        return Credentials(
            token=_secret(bearer.credentials) if bearer else None,
            token_file=bearer.credentials_file if bearer else None,
            username=basic.username if basic else None,
            password=_secret(basic.password) if basic else None,
            password_file=basic.password_file if basic else None,
            **self.tls_config.model_dump(),
        )


class MetricsAddress(_StrictModel):
    """The address at which the watch's own metrics are scraped; port 0 selects a free port."""

    host: str = "127.0.0.1"
    port: int = Field(9109, ge=0, le=65_535)


class WatchedSeries(_StrictModel):
    """A PromQL query; each series that it returns is watched separately.

    Query a counter as `rate(...[5m])` if you can. For a raw counter, `counter` makes the watch
    compute differences per second; a falling value counts as a reset. `bounds` are the lowest and
    highest value that the metric can take. `service_label` names the label whose value is the
    service; by default it is the group's `service_label`.
    """

    query: str = Field(min_length=1)
    name: Name
    unit: str | None = None
    tier: Tier = "full"
    service_label: str | None = None
    bounds: Bounds = (None, None)
    counter: bool = False
    level: float | None = None
    direction: Direction = "above"

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        lowest, highest = self.bounds
        if lowest is not None and highest is not None and lowest >= highest:
            raise ValueError("bounds must rise: the lowest value first, null for no bound")
        return self


class WatchedGroup(_StrictModel):
    """Series whose anomalies go to one team, and how many false alarms a week that team accepts.

    The series of the group share this budget, and so they do that of false warnings of breaches.
    """

    name: Name
    service: str | None = None
    service_label: str | None = None
    budget_per_week: float = Field(2.0, gt=0)
    false_warnings_per_week: float = Field(1.0, gt=0)
    series: tuple[WatchedSeries, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        _refuse_repeated_names("series", [series.name for series in self.series])
        return self


class WatchConfig(_StrictModel):
    """The content of the configuration file.

    `link` is the address of the service, for links and runbooks in alerts. `history_days` is the
    number of past days that are read for a new query. A query with more than `max_series` series is
    not watched; the log says so. Days and weeks are those of `time_zone`, such as `Europe/Berlin`.

    >>> series = {"query": "up", "name": "up"}
    >>> group = {"name": "shop", "series": [series]}
    >>> prometheus = {"url": "http://127.0.0.1:9090"}
    >>> config = WatchConfig.model_validate({"prometheus": prometheus, "groups": [group]})
    >>> config.step_seconds, config.groups[0].budget_per_week
    (60, 2.0)
    """

    prometheus: Endpoint
    alertmanager: Endpoint | None = None
    link: Address | None = None
    metrics: MetricsAddress = MetricsAddress()
    step_seconds: int = Field(60, ge=1, le=3_600)
    history_days: float = Field(21.0, ge=0, le=366)
    max_series: int = Field(MOST_SERIES, ge=1)
    time_zone: ZoneName = "UTC"
    groups: tuple[WatchedGroup, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        _refuse_repeated_names("groups", [group.name for group in self.groups])
        return self

    @property
    def zone(self) -> tzinfo:
        """The time zone."""
        return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)

    def queries(self) -> Iterator[tuple[WatchedGroup, WatchedSeries]]:
        """Yield each query with its group."""
        for group in self.groups:
            yield from ((group, series) for series in group.series)


def load_config(path: Path) -> WatchConfig:
    """Read the configuration file; raises `BadWatchConfig`, which names the entry to correct."""
    content = read_yaml(path, "the file", BadWatchConfig)
    try:
        return WatchConfig.model_validate(content)
    except ValidationError as error:
        raise BadWatchConfig(f"{path}: {explain(error, 'the file')}") from error


def _refuse_repeated_names(what: str, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"two {what} are named {repeated[0]!r}; give each its own name")


def _secret(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
