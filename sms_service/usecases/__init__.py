"""One verb a file: opens the transaction, calls the core and the models, commits."""
