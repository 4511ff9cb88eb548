"""Keyword sets as operators change them: drafts, versions, and what a change would do."""
