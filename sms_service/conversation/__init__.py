"""The pure conversation engine: conversations are data, a dialogue is a value, a step is a function."""
