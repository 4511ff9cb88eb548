"""The dashboard: the console's home page, and the report of a day."""
