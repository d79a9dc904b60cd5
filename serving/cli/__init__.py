"""The commands that serve and watch: one file each, which imports little at its top."""
