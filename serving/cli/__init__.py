"""The commands `serve` and `watch`, one module each; large imports are made when they run."""
