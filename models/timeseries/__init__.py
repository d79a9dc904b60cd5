"""The model that flags anomalies in metric series."""
