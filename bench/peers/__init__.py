"""What smsgate is measured beside: our own code, written as the field's tutorials write it."""
