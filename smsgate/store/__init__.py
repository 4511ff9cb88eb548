"""Redis, and nothing but Redis. The rules that every file here keeps are in ``keys.py``."""
