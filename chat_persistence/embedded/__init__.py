"""An embedded PostgreSQL: a real server in a folder of this user, there while somebody owns a share in it.

    with start() as server:
        store = ChatStore(server.url)

Any number of processes may start the same data directory: the first brings the server up, the others
join it, and it stops when the last share is given up, by `close()` or because its process is gone,
however it died. Asked for with `ChatStore("embedded")`, never fallen into.

Who does what: `server` takes a share and waits for an answer, `supervisor` (a process of its own) starts
PostgreSQL and stops it after the last owner, `launcher` becomes PostgreSQL with the right privileges.
"""

from chat_persistence.embedded.server import EmbeddedServer, start

__all__ = ["EmbeddedServer", "start"]
