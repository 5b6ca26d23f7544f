"""The peers' own stores, each a program that is run with the Python of an environment of its own."""
