"""A synthetic company: its incidents, runbooks, telemetry and the day on which it breaks."""
