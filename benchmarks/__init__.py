"""Benchmarks: the library beside what a user could pick instead, on the user's own server.

    python -m benchmarks --quick

Names: a *contender* is one way to keep chats (ours, asyncpg by hand, an ORM as tutorials write it, a peer's
store); a *workload* is what all of them are asked to do; they take turns within each *round*, so that a
ratio compares what happened within the same second or so.
"""
