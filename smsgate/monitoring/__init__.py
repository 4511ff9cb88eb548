"""What an operator must know of a running smsgate, and how that is found out."""
