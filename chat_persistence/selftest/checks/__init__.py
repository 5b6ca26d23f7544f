"""One module a promise."""
