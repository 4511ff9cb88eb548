"""Agreement with the opt-out lists that providers keep themselves."""
