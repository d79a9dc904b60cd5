"""What is recorded about running systems: changes, anomalies, warnings, routines, topology."""
