"""RQ only: the worker, the clock, and what they carry out through the use cases."""
