"""Definitions of every kind of model, and how a trained one is saved and found."""
