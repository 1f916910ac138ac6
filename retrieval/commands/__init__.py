"""The commands of search: they parse and print, the rooms do the work."""
