"""Rows of CSV, JSONL and spreadsheets as documents."""
