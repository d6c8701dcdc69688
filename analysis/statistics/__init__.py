"""Intervals, tests and rankings: paired over cases, with the leakage group as the unit of resampling."""
