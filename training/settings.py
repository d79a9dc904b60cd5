"""Settings of training, from `PRECEDENT_...`."""

from pydantic import Field

from features.encoding.encoder_weights import EncoderSettings
from features.home import Home, HomeSettings
from training.plan import FRESHER_DAYS, WANTED_PRECISION, TrainingPlan


class TrainingSettings(HomeSettings, EncoderSettings):
    """Where state lives, and how to train."""

    under_rating_cost: float | None = Field(default=None, gt=0, le=100)
    """What rating an incident too low costs, where rating it too high costs 1; 1.25 where it is
    not set. For the next training.
    """
    auto_precision: float = Field(default=WANTED_PRECISION, ge=0.5, lt=1)
    """The precision that a certificate must prove before a label may be answered `auto`. For the
    next training.
    """
    fresher_days: float = Field(default=FRESHER_DAYS, ge=0)
    """How many days later its data must end before a challenger that is no better than the
    champion may replace it, unless it learned labels that the champion never saw.
    """
    retrain_days: float = Field(default=7.0, ge=0)
    """How many days old the last training must be before `retrain --if-due` trains."""

    def plan(self, home: Home, *, actor: str) -> TrainingPlan:
        """Return what these settings say of a training by `actor`; a command adds its options."""
        return TrainingPlan(
            home=home,
            tenant=self.tenant,
            database_url=self.database_url or home.database_url,
            encoder=self.encoder,
            under_rating_cost=self.under_rating_cost,
            auto_precision=self.auto_precision,
            fresher_days=self.fresher_days,
            actor=actor,
        )
