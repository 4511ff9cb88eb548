"""How it all stands: what waits where, what a day held, what needs a person."""
