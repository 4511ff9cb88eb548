"""The console: pages for the people who look after consent, under ``/console``.

It is a Flask application of its own, with its own sessions, forms and error pages. Features add
the pages (``smsgate/features/__init__.py``); this package has what they share.
"""
