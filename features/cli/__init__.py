"""The program `precedent`, and what the commands of all packages share."""
