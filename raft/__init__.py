"""RAFT examples, training, and evaluation. Imports corpora and retrieval only."""
