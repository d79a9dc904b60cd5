"""What an export says of the end of an incident: its state, and comments that tell the fix."""
