"""Settings of training, from `PRECEDENT_...`."""

from pydantic import Field

from features.encoding.weights import EncoderSettings
from features.home import HomeSettings
from training.certify import WANTED_PRECISION


class TrainingSettings(HomeSettings, EncoderSettings):
    """Where state lives, and how to train.

    `under_rating_cost` is what rating an incident too low costs beside rating it too high;
    `auto_precision` is what a certificate must prove before a label may be answered as `auto`.
    """

    under_rating_cost: float | None = Field(default=None, gt=0, le=100)
    auto_precision: float = Field(default=WANTED_PRECISION, ge=0.5, lt=1)
