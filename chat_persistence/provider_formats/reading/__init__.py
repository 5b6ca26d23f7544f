"""How each format's items are known and read, one module a format."""
