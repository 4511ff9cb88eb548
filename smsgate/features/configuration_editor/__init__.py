"""Programs, replies and accounts changed in the console, as versions that override the file."""
