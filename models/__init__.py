"""Definitions of every kind of model, and how trained models are saved and found."""
