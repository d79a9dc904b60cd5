"""Finds labels that are likely wrong, judged by the labels of their own period."""
