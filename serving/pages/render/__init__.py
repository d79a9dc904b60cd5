"""Turns values into the texts, charts and HTML of the page."""
