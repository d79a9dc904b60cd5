"""From a history to registered models."""
