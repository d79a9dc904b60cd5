"""Training data: targets, the labels known at a cutoff, and the split into folds."""
