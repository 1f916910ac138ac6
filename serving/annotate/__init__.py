"""The annotation page: its store, routes and access."""
