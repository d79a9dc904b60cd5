"""Settings of training, from `PRECEDENT_...`."""

from pydantic import Field

from features.encoding.encoder_weights import EncoderSettings
from features.home import Home, HomeSettings
from features.imports.target_times import read_target_hours
from models.base.novelty_levels import DEFAULT_LEVELS, NoveltyLevels
from training.plan import FRESHER_DAYS, MOST_ROWS, WANTED_PRECISION, TrainingPlan


class TrainingSettings(HomeSettings, EncoderSettings):
    """Where data are stored, and how to train."""

    under_rating_cost: float | None = Field(default=None, gt=0, le=100)
    """The cost of rating an incident too low, where rating it too high costs 1; 1.25 if not set.
    Takes effect at the next training.
    """
    auto_precision: float = Field(default=WANTED_PRECISION, ge=0.5, lt=1)
    """The precision that a certificate must prove before a label may be answered `auto`. Takes
    effect at the next training.
    """
    novelty_auto_level: float = Field(default=DEFAULT_LEVELS.auto, ge=0, le=0.5)
    """The novelty p-value that a report must exceed for `auto`: about this share of ordinary
    incidents is never answered `auto`. Takes effect at the next training.
    """
    novelty_level: float = Field(default=DEFAULT_LEVELS.novel, ge=0, le=0.5)
    """The novelty p-value at or below which a report is called novel, so that the answers abstain.
    Takes effect at the next training.
    """
    fresher_days: float = Field(default=FRESHER_DAYS, ge=0)
    """A challenger that is no worse than the champion replaces it if its data end at least
    this many days later, or if it learned new or corrected labels.
    """
    most_rows: int = Field(default=MOST_ROWS, ge=1_000)
    """Models learn from the newest so many incidents of a history. All of them are stored and
    searched, whatever this is. Takes effect at the next training.
    """
    retrain_days: float = Field(default=7.0, ge=0)
    """How many days after the last training `maintain` and `retrain --if-due` train again, if there
    are new labels. A change with enough labels makes them train earlier.
    """

    def plan(self, home: Home, *, actor: str) -> TrainingPlan:
        """Return the plan of a training by `actor`; a command adds its own options.

        Raises `UnreadableFile` if the home's target times are malformed.
        """
        return TrainingPlan(
            home=home,
            tenant=self.tenant,
            database_url=self.database_url or home.database_url,
            encoder=self.encoder,
            under_rating_cost=self.under_rating_cost,
            auto_precision=self.auto_precision,
            novelty=NoveltyLevels(self.novelty_auto_level, self.novelty_level),
            fresher_days=self.fresher_days,
            most_rows=self.most_rows,
            actor=actor,
            target_hours=read_target_hours(home.target_times),
        )
