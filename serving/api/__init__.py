"""The OpenAI-compatible API. Knows no workspace on disk."""
