"""Reads and changes MLflow's model registry without importing MLflow."""
