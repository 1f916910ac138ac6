"""From a question to an answer with quotes: engines, and the assistant over search."""
