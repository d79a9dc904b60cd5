"""Is it still right: what changed in production, since when, with examples, and what to do."""
