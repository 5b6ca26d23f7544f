"""The demo: real dialogues, played by many users at once as an async chatbot would, and then held to account.

`corpus` reads the dialogues, `script` says who speaks them and under which ids, `play` is the chatbot's
runtime, `verify` reads everything back, `report` tells, and `run` is the order of it all.
"""
