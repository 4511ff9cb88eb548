"""Lists of numbers as files: read, understood row by row, and written. Pure: asks nobody.

A file is read as blocks of records (``reading.py``) of a shape that was recognised from its
beginning (``shapes.py``, with the exports that we know in ``exports.py``); what stands in a cell
becomes a number or a reason why it is none (``cells.py``). Nothing here holds a whole file.
"""
