"""Accounts: their setup pages and test texts, the doctor, and sends that the gate refused."""
