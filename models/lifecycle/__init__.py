"""Promotion, rollback, modes and audit of models in service, and the erasure of incidents."""
