"""The model that finds similar past incidents."""
