"""Fitted experts as plain arrays, which score reports without scikit-learn."""
