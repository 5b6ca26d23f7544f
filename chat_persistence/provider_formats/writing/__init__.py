"""How each format wants to be written, one module a format."""
