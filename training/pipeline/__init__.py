"""The steps from a history to registered models."""
