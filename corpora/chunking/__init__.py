"""Documents cut into chunks with offsets. Knows no encoder and no store."""
