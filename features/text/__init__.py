"""Texts of incidents: parsed, masked, cleaned, split into tokens and compared."""
