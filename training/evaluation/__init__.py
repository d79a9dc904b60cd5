"""Evaluates models on held-out rows: rows that they were not fitted on."""
