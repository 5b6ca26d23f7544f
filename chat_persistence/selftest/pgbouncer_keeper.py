"""The process that runs one PgBouncer, and takes it and its folder away when its owner is gone.

Run by its path, `python -I -S pgbouncer_keeper.py program`. Its standard input and output are one end of a pair of
sockets: the owner sends the configuration, a JSON string in a line, is told the folder in which PgBouncer listens and
logs, and holds the other end. However the owner dies, that ends with it. If this process itself is killed, Linux kills
PgBouncer; only the folder stays.
"""

import ctypes
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

PR_SET_PDEATHSIG = 1


def main(program: str) -> None:
    """Run PgBouncer until standard input ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    configuration = json.loads(sys.stdin.readline())
    folder = tempfile.mkdtemp(prefix="cp-pgbouncer-")
    try:
        run(program, folder, configuration)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(program: str, folder: str, configuration: str) -> None:
    """Run it in the folder, which nobody else can enter; it has nothing to lose when it is killed."""
    with open(os.path.join(folder, "pgbouncer.ini"), "w", encoding="utf-8", opener=privately) as file:
        file.write(configuration)
    user, group = ordinary_user()
    if user is not None and group is not None:
        os.chown(folder, user, group)
        os.chown(file.name, user, group)
    with open(os.path.join(folder, "log"), "wb", opener=privately) as log:
        process = subprocess.Popen(  # noqa: S603 (the owner's program)
            [program, "pgbouncer.ini"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user,
            group=group,
            extra_groups=None if user is None else (),
            preexec_fn=die_with_the_keeper,
        )
    try:
        print(folder, flush=True)
        sys.stdin.read()
    finally:
        process.kill()
        process.wait()


def ordinary_user() -> "tuple[int, int] | tuple[None, None]":
    """Return who runs it, and that one's group, when it is not this user: PgBouncer refuses to run as root."""
    if os.geteuid() != 0:
        return None, None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def die_with_the_keeper() -> None:
    """Have the kernel kill this process when its parent dies; a change of user would undo it, and came before."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def privately(path: str, flags: int) -> int:
    """Open a file that is this user's own."""
    return os.open(path, flags, 0o600)


if __name__ == "__main__":
    main(sys.argv[1])
