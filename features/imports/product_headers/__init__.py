"""What the headers of exports mean: a table by product and language."""
