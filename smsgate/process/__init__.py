"""How one process of smsgate starts: its configuration, what works in it, its heartbeat."""
