"""Turns groups of alerts into incidents that follow their alerts."""
