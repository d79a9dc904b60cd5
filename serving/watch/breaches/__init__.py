"""Forecasts watched series with a level, and warns of breaches."""
