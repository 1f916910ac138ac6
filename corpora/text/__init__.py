"""Plain text: sentences, languages, identifiers, cleaning, where a quote stands, near-duplicates.

Knows no files and no store.
"""
