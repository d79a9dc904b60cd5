"""Watches metric series: reads Prometheus, scores each point, and tells Alertmanager in time."""
