"""Reads exports and runbook folders into domain types."""
