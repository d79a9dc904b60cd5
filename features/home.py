"""Where state lives: the layout of PRECEDENT_HOME."""

from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from features.errors import HomeUnavailable


class HomeSettings(BaseSettings):
    """The settings that training and serving share, read from `PRECEDENT_...` when constructed."""

    model_config = SettingsConfigDict(
        env_prefix="PRECEDENT_",
        env_ignore_empty=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    home: Path = Path(".precedent")
    """Everything that is kept. It holds absolute paths, so it cannot be moved."""
    tenant: str = "default"
    """Whose incidents and models these are; several tenants may share one home."""
    database_url: str | None = None
    """The store: `postgresql://USER@HOST/NAME`, or SQLite in the home where it is not set."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below PRECEDENT_HOME. MLflow stores absolute paths, so a home cannot be moved.

    >>> Home(Path("/srv/precedent")).database_url
    'sqlite:////srv/precedent/precedent.db'
    """

    root: Path

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address of the embedded store."""
        return f"sqlite:///{self.root / 'precedent.db'}"

    @property
    def tracking_uri(self) -> str:
        """MLflow's address of the embedded tracking and registry database."""
        return f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """The folder of MLflow's artifacts."""
        return self.root / "artifacts"

    @property
    def adapted_encoders(self) -> Path:
        """The folder of encoders adapted to the organisation, each named by its weights' hash."""
        return self.artifacts / "encoders"

    @property
    def adaptations(self) -> Path:
        """The folder where adapting an encoder keeps what it needs to go on when interrupted."""
        return self.root / "cache" / "adaptations"

    @property
    def encodings(self) -> Path:
        """The folder of cached encodings."""
        return self.root / "cache" / "encodings"

    @property
    def compiled(self) -> Path:
        """The folder of inner loops compiled for this machine."""
        return self.root / "cache" / "compiled"

    @property
    def erasure_lock(self) -> Path:
        """The file that is locked while an incident leaves caches and snapshots."""
        return self.root / "cache" / "forgetting.lock"

    @property
    def moving_champions(self) -> Path:
        """The file that is locked while a champion is promoted or rolled back."""
        return self.root / "cache" / "champions.lock"

    @property
    def fonts(self) -> Path:
        """The folder where the library that draws pictures keeps its list of fonts."""
        return self.root / "cache" / "fonts"

    @property
    def topology(self) -> Path:
        """The file that tells which service depends on which, where the owner wrote one."""
        return self.root / "topology.yaml"

    @property
    def import_reports(self) -> Path:
        """The folder of reports that name each rejected row."""
        return self.root / "cache" / "imports"


def find_home(settings: HomeSettings) -> Home:
    """Return the home named by the settings for reading it; creates nothing.

    Raises `HomeUnavailable` where nothing was kept yet: neither there nor in a database elsewhere.
    """
    home = Home(settings.home.absolute())
    databases = (home.root / "precedent.db", home.root / "mlflow.db")
    if settings.database_url is None and not any(file.exists() for file in databases):
        raise HomeUnavailable(
            f"no home at {home.root}: train first with precedent train, or set PRECEDENT_HOME"
        )
    return home


def open_home(settings: HomeSettings | None = None) -> Home:
    """Return the home named by the settings, creating its folders; raises `HomeUnavailable`."""
    home = Home((settings or HomeSettings()).home.absolute())
    try:
        for folder in (home.artifacts, home.encodings, home.root / "indexes", home.import_reports):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnavailable(
            f"PRECEDENT_HOME {home.root} cannot be used ({error.strerror}); "
            "name a folder that may be written to"
        ) from error
    return home
