"""Training: load a history, split it, fit, certify, evaluate, register and promote models."""
