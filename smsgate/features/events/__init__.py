"""The recorded events as other programs read them."""
