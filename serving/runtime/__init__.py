"""Settings, errors, logs and metrics of a running process."""
