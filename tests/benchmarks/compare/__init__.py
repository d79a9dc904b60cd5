"""Trains and answers in two checkouts on one machine, and prints what differs."""
