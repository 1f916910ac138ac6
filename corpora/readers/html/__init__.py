"""HTML and what is written in it: Markdown, EPUB."""
