"""Plain types: an incident, its outcome and what surrounds them; standard library only."""
