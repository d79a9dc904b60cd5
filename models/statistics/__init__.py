"""Statistical methods that several models use."""
