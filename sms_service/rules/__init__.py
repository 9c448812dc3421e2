"""Policy as small pure functions and tables: timing, sending, caps, concerns, roles, retention."""
