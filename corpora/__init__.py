"""Documents in: reading, cleaning, chunking, splitting, and the corpus store. Imports nothing from the other packages."""
