"""What a model reads and writes, and its tokens. Knows no model."""
