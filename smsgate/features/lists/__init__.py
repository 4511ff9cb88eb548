"""Lists of numbers: imported, undone, scrubbed before a send, and exported."""
