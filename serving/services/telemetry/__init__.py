"""Services about watched series."""
