"""Everything beside the path of a text: one package for each feature.

A feature has a service, its storage, and what it adds to the console, ``/v1`` and the command
line. Features do not import each other, and the path of a text imports none of them.
"""
