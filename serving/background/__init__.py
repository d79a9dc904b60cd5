"""Background threads that keep models, modes, indexes and certificates up to date."""
