"""What is stored of incidents and of what surrounds them: changes, telemetry and runbooks."""
