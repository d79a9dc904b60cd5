"""The interface, the predictions and the card that all models share."""
