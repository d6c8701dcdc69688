"""Prediction folders in; tables, figures and a report out. ``pipeline.analyze`` is the way in."""
