"""The encoder, its cache, and the transformers that turn reports into numbers."""
