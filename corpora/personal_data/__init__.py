"""Personal data found and masked. Knows no store."""
