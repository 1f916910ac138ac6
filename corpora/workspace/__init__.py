"""The folder of a collection: its configuration, run folders, column mappings, backup. Knows no models."""
