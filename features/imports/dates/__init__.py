"""The times of an export: the forms in which they are written, and how a column is read."""
