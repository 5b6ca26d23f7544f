"""Every SQL statement, one file a subject.

Each is a function without arguments that returns a SQLAlchemy expression, with its values as bound
parameters, so that a store compiles it once and a test can EXPLAIN it. Three rules hold for all of them but
`across_users`, and `foreign_tables`, which are nobody's here: every table reference carries its own
`user_id = :owner`, never only through a join; every list is bounded; what comes back has no order of its own unless it
says so.
"""
