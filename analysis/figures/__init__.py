"""Figures, one kind a file: plain tables in, SVG and PNG out."""
