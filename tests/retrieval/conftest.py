"""Puts this folder on the path: the rooms below share `beir_folders`."""
