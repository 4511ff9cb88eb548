"""The people behind the console: who they are, how they sign in, and until when."""
