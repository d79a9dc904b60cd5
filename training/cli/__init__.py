"""The commands that learn, measure and decide: one file each, which imports little at its top."""
