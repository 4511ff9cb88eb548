"""Administration of the records: rebuild, comparison, adoption, export."""
