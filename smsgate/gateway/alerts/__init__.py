"""What somebody should be told, in which words and by which way."""
