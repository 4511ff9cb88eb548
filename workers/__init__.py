"""The processes of the Procfile, and the functions that RQ calls by name."""
