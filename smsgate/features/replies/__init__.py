"""Our replies: those that wait to be sent, and those that were given up."""
