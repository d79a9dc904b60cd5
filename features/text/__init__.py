"""Parses, masks, cleans, tokenises and compares the texts of incidents."""
