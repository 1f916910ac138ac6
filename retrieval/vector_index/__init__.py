"""Vectors and their ids in FAISS: plan, build, search, check. Knows no chunks and no store."""
