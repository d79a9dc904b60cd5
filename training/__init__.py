"""Learns from history: load, split, fit, certify, evaluate, register, promote."""
