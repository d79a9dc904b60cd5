"""Faults of machines and networks against the running service: `make faults`."""
