"""Repositories of incidents, and of the changes, anomalies and runbooks around them."""
