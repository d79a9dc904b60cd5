"""Folders of Markdown runbooks become runbooks with steps."""
