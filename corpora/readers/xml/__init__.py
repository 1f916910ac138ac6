"""XML: which vocabulary a file is in, and a reader for those that none knows."""
