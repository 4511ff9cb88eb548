"""The terminal's door: the same gateway, from a command line. Starts in ``main.py``."""
