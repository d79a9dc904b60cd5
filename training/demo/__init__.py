"""A synthetic company: its incidents, its runbooks, and metrics that end in a failure."""
