"""What this library promises under cancellation, cuts, crashes and hostile input, checked anywhere, with figures.

    chat-persistence selftest [URL]

`checks/` has one module a promise, each of which runs on an `arena` at some `scale` and yields `figures`: what was
found beside what was promised. The command runs them for minutes, the tests for seconds, `pytest -m chaos` for hours.
"""
