"""Files into the store with their vectors: `add`, backfill, clusters of near-duplicates, splits."""
