"""Plain types: incidents, outcomes, labels, predictions and more; standard library only."""
