"""What an answer of the service costs beside the bare encoding of its texts."""
