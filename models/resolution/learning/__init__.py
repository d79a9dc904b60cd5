"""Learns what answers about resolution, with scikit-learn."""
