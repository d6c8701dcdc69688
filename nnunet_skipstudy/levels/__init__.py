"""Test levels of a data set: made, calibrated, measured."""
