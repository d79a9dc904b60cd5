"""Domain types and text cleaning; imports nothing else of the project."""
