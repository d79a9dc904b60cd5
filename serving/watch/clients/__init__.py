"""Clients of the systems that are watched and told."""
