"""What every model shares: its interface, its predictions and its card."""
