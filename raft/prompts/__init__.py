"""Prompts and completions, as text and as token ids. Knows no model."""
