"""Models that choose a label or a level, with calibrated confidence and evidence."""
