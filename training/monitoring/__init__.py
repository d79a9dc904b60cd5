"""Monitoring of the models in service: quality of answers, drift, certificates."""
