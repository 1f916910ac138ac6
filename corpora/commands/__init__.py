"""The commands about documents and the workspace: they parse and print, the rooms do the work."""
