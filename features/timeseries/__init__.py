"""Metric series become scores: the loop over points, and what it needs around it."""
