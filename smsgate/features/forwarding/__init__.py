"""Forwarding: messages are sent on to the application of their program."""
