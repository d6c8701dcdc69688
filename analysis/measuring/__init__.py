"""One row per prediction and label."""
