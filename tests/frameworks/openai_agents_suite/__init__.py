"""OpenAI's own tests of sessions, run with ours in the place of theirs."""
