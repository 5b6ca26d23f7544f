"""Files that conversations come in and go out by, one module a format."""
