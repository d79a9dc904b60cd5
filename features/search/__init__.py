"""Incidents are found again, by words and by vectors."""
