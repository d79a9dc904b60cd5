"""Incidents, the store of their history, and the features that models compute from reports."""
