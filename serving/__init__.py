"""Answers over HTTP; cannot train."""
