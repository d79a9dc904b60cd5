"""What is kept up to date by threads beside the requests."""
