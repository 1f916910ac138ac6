"""The commands of serving: they parse and print, the rooms do the work."""
