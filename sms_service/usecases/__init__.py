"""One verb a file: each opens its transaction, calls the pure core and the models, and commits."""
