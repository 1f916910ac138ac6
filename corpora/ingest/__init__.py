"""From files to documents, in bounded processes. Knows no vectors."""
