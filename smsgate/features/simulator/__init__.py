"""Being a subscriber, and watching what becomes of a text."""
