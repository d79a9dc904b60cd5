"""Surges: incidents of one kind that come faster than is usual for the hour of the week."""
