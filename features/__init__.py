"""What an incident is, where history is kept, and how it becomes numbers."""
