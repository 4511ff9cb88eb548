"""One number: found, shown with its history, and changed by an operator."""
