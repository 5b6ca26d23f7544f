"""Tables that other libraries keep conversations in, one module a library."""
