"""Repositories for learning: predictions, labels, feedback, monitoring reports and more."""
