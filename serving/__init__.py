"""The assistant behind an OpenAI-compatible HTTP API on this machine. Imports corpora, retrieval and raft only."""
