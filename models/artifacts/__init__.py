"""How a trained model is saved, verified, loaded and found; the only door to MLflow."""

import os

# MLflow decides at its own import whether to phone home and to leave a file in the user's
# configuration folder; nothing may be written outside PRECEDENT_HOME unless the user asks.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
