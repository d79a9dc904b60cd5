"""What is stored to operate: the audit log, answer modes and leases."""
