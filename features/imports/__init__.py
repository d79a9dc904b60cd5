"""Exports and runbook folders become domain types."""
