"""Readers of the file formats of exports: each file becomes columns of strings."""
