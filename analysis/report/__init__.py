"""The report: words and tables from a study's numbers, then one page."""
