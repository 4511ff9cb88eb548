"""Keyword sets: read from TOML, checked, compiled to tables, and cached."""
