"""HTTP clients of Prometheus, Alertmanager and the service."""
