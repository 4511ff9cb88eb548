"""Replies on their way out: one claimed at a time, sent, told of."""
