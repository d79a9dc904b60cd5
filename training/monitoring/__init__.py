"""Monitoring of champions in production: quality of answers, drift and certificates."""
