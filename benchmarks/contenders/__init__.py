"""The contenders that run in the benchmark's own process: ours, asyncpg by hand, and a tutorial's ORM."""
