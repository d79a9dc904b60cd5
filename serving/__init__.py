"""The service that answers over HTTP; it cannot train models."""
