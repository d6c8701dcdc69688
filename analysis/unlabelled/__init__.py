"""Predictions without labels: what they say about each other."""
