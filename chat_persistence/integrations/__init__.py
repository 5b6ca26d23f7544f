"""Other people's frameworks: one module each, behind an extra of its name, strangers to each other."""
