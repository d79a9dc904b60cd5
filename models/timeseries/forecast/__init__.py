"""Forecasts: whether and when a metric series will reach a level."""
