"""The corpus store: one SQLite file with documents, chunks, rights and the lexical index. Knows no encoder."""
