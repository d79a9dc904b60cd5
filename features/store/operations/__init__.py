"""Repositories for operation: the audit log, modes and leases."""
