"""The audit log: what staff did, from every table that has it."""
