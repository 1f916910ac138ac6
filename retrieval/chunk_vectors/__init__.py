"""The vectors of a store's chunks: segments on disk, the index over them, reads of one snapshot."""
