"""What an incident, its outcome and all that surrounds it are: plain types, standard library only."""
