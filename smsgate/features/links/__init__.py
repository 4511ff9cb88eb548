"""Opt-out links in texts, and the page behind them."""
