"""The commands of RAFT: they parse and print, the rooms do the work."""
