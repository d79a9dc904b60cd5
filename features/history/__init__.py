"""Mapping, import of exports, and the store of past incidents."""
