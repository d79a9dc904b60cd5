"""The layout of PRECEDENT_HOME, the folder that holds all state."""

from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from features.errors import HomeUnavailable


class HomeSettings(BaseSettings):
    """The settings that training and serving share, read from the environment when constructed."""

    model_config = SettingsConfigDict(
        env_prefix="PRECEDENT_", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Path(".precedent")
    """The folder that holds all state. Its paths are absolute: move it by backup and restore."""
    tenant: str = "default"
    """The owner of the incidents and models; several tenants may share one home."""
    database_url: str | None = None
    """The store: `postgresql://USER@HOST/NAME`; SQLite in the home if it is not set."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below PRECEDENT_HOME. MLflow stores absolute paths: only a restore moves a home.

    >>> Home(Path("/srv/precedent")).database_url
    'sqlite:////srv/precedent/precedent.db'
    """

    root: Path

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the embedded store."""
        return f"sqlite:///{self.root / 'precedent.db'}"

    @property
    def tracking_uri(self) -> str:
        """The MLflow URL of the embedded tracking and registry database."""
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
    def exported_encoders(self) -> Path:
        """The folder of encoders as they are computed with, each named by its weights' hash."""
        return self.artifacts / "exported_encoders"

    @property
    def adaptations(self) -> Path:
        """The folder of checkpoints from which an interrupted encoder adaptation continues."""
        return self.root / "cache" / "adaptations"

    @property
    def encodings(self) -> Path:
        """The folder of cached encodings."""
        return self.root / "cache" / "encodings"

    @property
    def indexes(self) -> Path:
        """The folder of indexes of the stored incidents, which are built again if they are gone."""
        return self.root / "indexes"

    @property
    def compiled(self) -> Path:
        """The folder of functions compiled for this machine."""
        return self.root / "cache" / "compiled"

    @property
    def erasure_lock(self) -> Path:
        """The lock file for removing a deleted incident from caches and snapshots."""
        return self.root / "cache" / "forgetting.lock"

    @property
    def moving_champions(self) -> Path:
        """The lock file for promoting a champion or rolling one back."""
        return self.root / "cache" / "champions.lock"

    @property
    def fonts(self) -> Path:
        """The folder in which the plotting library caches its list of fonts."""
        return self.root / "cache" / "fonts"

    @property
    def topology(self) -> Path:
        """The optional file that states on which services each service depends."""
        return self.root / "topology.yaml"

    @property
    def target_times(self) -> Path:
        """The optional file that states the hours in which incidents should be resolved."""
        return self.root / "target_times.yaml"

    @property
    def import_reports(self) -> Path:
        """The folder of import reports, which list every rejected row."""
        return self.root / "cache" / "imports"


def find_home(settings: HomeSettings) -> Home:
    """Return the home that the settings name, without creating any folder.

    Raises `HomeUnavailable` if `database_url` is not set and the home has no database yet.
    """
    home = Home(settings.home.absolute())
    databases = (home.root / "precedent.db", home.root / "mlflow.db")
    if settings.database_url is None and not any(file.exists() for file in databases):
        raise HomeUnavailable(
            f"no home at {home.root}: train first with precedent train, or set PRECEDENT_HOME"
        )
    return home


def open_home(settings: HomeSettings | None = None) -> Home:
    """Return the home that the settings name, and create its folders.

    Raises `HomeUnavailable` if a folder cannot be created.
    """
    home = Home((settings or HomeSettings()).home.absolute())
    try:
        for folder in (home.artifacts, home.encodings, home.indexes, home.import_reports):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnavailable(
            f"PRECEDENT_HOME {home.root} cannot be used ({error.strerror}); "
            "name a folder that can be written to"
        ) from error
    return home
