"""Settings of training, from `PRECEDENT_...`."""

from features.encoding.weights import EncoderSettings
from features.home import HomeSettings


class TrainingSettings(HomeSettings, EncoderSettings):
    """Where state lives, and which encoder to train with."""
