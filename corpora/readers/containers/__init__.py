"""Archives and what they may unpack to. Knows nothing of what is inside."""
