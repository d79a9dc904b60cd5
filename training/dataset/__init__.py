"""What is learned from: targets, labels known at a moment, and how the rows are split."""
