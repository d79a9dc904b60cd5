"""Watches metric series: reads Prometheus, scores each point, and notifies Alertmanager."""
