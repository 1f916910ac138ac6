"""Questions written by a larger model behind an OpenAI-compatible endpoint."""
