"""Fits experts and their pools on folds, and compiles them into scorers."""
