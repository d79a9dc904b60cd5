"""Measures how good a model is, on rows that it was not fitted on."""
