"""A phone to try things out with: it texts us, and shows what becomes of each text."""
