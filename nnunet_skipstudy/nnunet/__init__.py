"""nnU-Net's folders, files and calls: the only place that knows their layout."""
