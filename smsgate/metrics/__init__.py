"""What is counted and measured, and the state of a deployment at one moment. Pure.

Counts are made in each process and gathered in Redis (``smsgate/store/metrics.py``), because a
count of ``web`` may be asked for in another process or on another host than it was made on.
"""
