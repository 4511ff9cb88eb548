"""What is counted and measured, and when somebody should be told. Pure: it talks to nobody.

Counts are made in each process and gathered in Redis (``smsgate/store/metrics.py``), because a
count of ``web`` may be asked for in another process or on another host than it was made on.
"""
