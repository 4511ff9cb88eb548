"""The rules of consent: its state, what changes it, in which order, and what a text owes. Pure."""
