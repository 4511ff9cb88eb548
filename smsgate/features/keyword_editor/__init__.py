"""Keyword sets in the console: the keywords in force, drafts tried on received texts, versions."""
