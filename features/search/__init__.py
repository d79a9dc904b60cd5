"""Searches past incidents by words and by vectors."""
