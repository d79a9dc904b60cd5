"""Reads folders of Markdown files into runbooks with steps."""
