"""Encoder, reranker and fusion tuned to a collection, and used only when they win."""
