"""Saves, verifies, loads and finds trained models, with MLflow as their registry."""

import os

# MLflow decides when it is imported whether to send usage data and to write a file to the user's
# configuration folder; nothing may be written outside PRECEDENT_HOME unless the user asks.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
