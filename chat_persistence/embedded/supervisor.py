"""The process that starts one embedded server and stops it when its last owner is gone.

Run by its path, `python -I -S supervisor.py …`, so it starts fast and needs nothing but the standard library.

Every owner holds a share of owners.lock. Taking it alone is therefore the news that the last owner is gone,
however it died; and while it is held here, newcomers wait until the old server is gone too. PostgreSQL
inherits server.lock, which is free only when the last of its processes is gone. If this process itself is
killed, Linux tells PostgreSQL (see `launcher`); elsewhere such a server stays, and is joined by newcomers,
until somebody stops it.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launcher.py")

STOP_TIMEOUT = 20.0


def main(arguments: list[str]) -> None:
    """Serve, unless somebody does already. Returns to the starter as soon as server.lock is held."""
    server_lock, owners_lock, cluster, binaries, _, *options = arguments
    lock = os.open(server_lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    # The child is nobody's child: no owner gets a zombie, or a process it does not know, from us.
    if os.fork():
        return
    os.ftruncate(sys.stderr.fileno(), 0)
    between = options.index("--")
    make_cluster(cluster, os.path.join(binaries, "initdb"), options[:between], lock)
    forget_stale_server(cluster)
    server = launch(lock, os.path.join(binaries, "postgres"), cluster, options[between + 1 :])
    threading.Thread(target=stop_after_last_owner, args=(server, owners_lock), daemon=True).start()
    # Not sys.exit: the thread may wait for a lock for ever. Leaving releases both locks.
    os._exit(server.wait())


def make_cluster(cluster: str, initdb: str, options: list[str], lock: int) -> None:
    """Make the cluster under another name, so that a half-made one is never taken for it."""
    if os.path.exists(cluster):
        return
    unfinished = f"{cluster}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    os.mkdir(unfinished, 0o700)
    if status := launch(lock, initdb, unfinished, options).wait():
        os._exit(status)
    os.rename(unfinished, cluster)
    sync_folder(os.path.dirname(cluster))


def sync_folder(folder: str) -> None:
    """Make a rename in this folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def forget_stale_server(cluster: str) -> None:
    """Remove what a killed server left to say that it runs.

    PostgreSQL finds out itself, unless another process has that number by now: after a reboot or in a
    container that is common. A server that was started by hand runs in the cluster, and is left alone.
    """
    pid_file = os.path.join(cluster, "postmaster.pid")
    try:
        with open(pid_file) as lines:
            pid = int(lines.readline())
        if os.path.samefile(f"/proc/{pid}/cwd", cluster):
            return
    except (OSError, ValueError):
        if not os.path.isdir("/proc/self"):
            return
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock", ".s.PGSQL.5432"):
        if os.path.exists(os.path.join(cluster, name)):
            os.unlink(os.path.join(cluster, name))


def launch(lock: int, program: str, data_directory: str, options: list[str]) -> subprocess.Popen[bytes]:
    """Start a program of PostgreSQL, which holds server.lock as long as any of its processes lives."""
    return subprocess.Popen(  # noqa: S603 (our own file and our own paths)
        [sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), program, data_directory, *options],
        pass_fds=(lock,),
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
    )


def stop_after_last_owner(server: subprocess.Popen[bytes], owners_lock: str) -> None:
    """Wait for the last owner, then stop the server: fast, then at once, then by force."""
    fcntl.flock(os.open(owners_lock, os.O_RDWR | os.O_CLOEXEC), fcntl.LOCK_EX)
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(request)
        try:
            server.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    main(sys.argv[1:])
