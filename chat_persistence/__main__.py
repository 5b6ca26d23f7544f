"""`python -m chat_persistence`: the command line, under the name that needs no script on the PATH."""

from chat_persistence.cli import main

if __name__ == "__main__":
    main()
