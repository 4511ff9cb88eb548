"""Feeds: changes of consent, posted to other programs and listed by ``GET /v1/events``."""
