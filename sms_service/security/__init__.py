"""Field encryption, keyed hashes, passwords, second factor, tokens, the audit chain and redaction.

Nothing in this package reads settings or a database: keys, ids and times come in as arguments.
"""
