"""The wording of replies, edited in the console and at a terminal, in versions."""
