"""What is recorded about running systems: changes, anomalies, warnings, and how services depend."""
