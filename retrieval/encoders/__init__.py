"""Texts to vectors. Knows no store and no index."""
