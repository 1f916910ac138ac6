"""The sample collections and their questions, and what builds their files. Nothing imports this room."""
