"""What is stored to learn from: answers, labels, feedback, and what monitoring found."""
