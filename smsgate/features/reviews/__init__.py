"""Texts that wait for a person: which, in which order, until when, and what was decided."""
