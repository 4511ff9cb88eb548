"""Keyword editor."""
