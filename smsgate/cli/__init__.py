"""The command line. Starts in ``main.py``."""
