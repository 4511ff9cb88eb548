"""The movements of the records: written, compared, rebuilt from, erased, shown as evidence."""
