"""Accounts at providers: what is set, what signs, what was refused and why."""
