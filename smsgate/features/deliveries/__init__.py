"""Deliveries: texts and changes of consent, posted to the operator's own programs."""
