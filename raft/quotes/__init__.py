"""Verification of quotes against their source, and decoding that can only quote verbatim."""
