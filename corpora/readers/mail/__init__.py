"""Messages, and what in them is encrypted."""
