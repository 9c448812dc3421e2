"""The demo: every process on one machine, an invented programme with a past, and nothing that reaches a real phone."""
