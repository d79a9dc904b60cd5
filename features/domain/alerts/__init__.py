"""Alerts and heartbeats: plain types."""
