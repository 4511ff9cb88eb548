"""Alerts: conditions that last are sent to the operator by webhook, e-mail or text."""
