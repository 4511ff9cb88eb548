"""Values, errors, phone numbers and signatures. Pure: nothing here opens a file or a connection."""
