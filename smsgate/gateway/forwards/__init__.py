"""Messages that go on to the operator's own application, in order and for a day."""
