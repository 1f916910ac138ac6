"""Quotes: verified against their source, and decoding held to them."""
