"""Converting downloads: what all data sets share. What is particular to one lies in ``dataset_conversion``."""
