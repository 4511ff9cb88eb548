"""The path of a text: ingest, apply, send, archive, and what they share."""
