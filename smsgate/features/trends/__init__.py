"""Trends: opt-outs and the opt-out rate over days, by program, keyword and sender."""
