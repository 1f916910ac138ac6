"""Which models can be used here, and the memory that each takes."""
