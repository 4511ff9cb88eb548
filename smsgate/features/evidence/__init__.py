"""Evidence of one number: its history with the proof that nothing was changed."""
