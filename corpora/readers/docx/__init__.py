"""Word documents: the package, its styles, numbers and text."""
