"""The last step before PostgreSQL: become a user that it accepts, die with the supervisor, be replaced by it.

Run by its path, like the supervisor. PostgreSQL refuses to run as root, and `initdb` as a user without a
name. Such a user gets a user namespace in which the same files belong to an ordinary user; nothing changes
outside. Where that is refused, as in many containers, root becomes `nobody` and gives it the cluster. The
owner of a cluster decides for ever after which of the two it is.
"""

import ctypes
import os
import pwd
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def main(parent: int, program: str, data_directory: str, options: list[str]) -> None:
    """Become the program."""
    if not is_acceptable():
        data_directory = become_acceptable(data_directory)
    if not os.access(program, os.X_OK):
        sys.exit(f"PostgreSQL runs as another user than root, and that one may not come to {program}")
    if sys.platform == "linux":
        die_with(parent)  # after the change of user, which would undo it
    os.execv(program, [program, "-D", data_directory, *options])  # noqa: S606 (our own paths)


def is_acceptable() -> bool:
    """Tell whether PostgreSQL runs as this user as it is."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_uid != 0
    except KeyError:
        return False


def become_acceptable(data_directory: str) -> str:
    """Change the user and return a path of the data directory that needs no way through the folders above."""
    descriptor = os.open(data_directory, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(descriptor, True)
    user = ordinary_user()
    is_ours = os.stat(descriptor).st_uid == os.geteuid()
    if is_ours and is_namespace_allowed(user):
        enter_namespace(user)
    elif os.geteuid() != 0:
        return data_directory
    elif is_ours and os.listdir(descriptor):
        sys.exit(f"root runs PostgreSQL in a user namespace, and this system refuses it. {ways_out(data_directory)}")
    else:
        become_nobody(user, descriptor)
    return f"/proc/self/fd/{descriptor}"


def ways_out(data_directory: str) -> str:
    """Say what one can do about a cluster of root where user namespaces are refused."""
    return (
        "Ways out: set DATABASE_URL, run as an ordinary user, allow user namespaces "
        f"(in a container: a seccomp profile with unshare), or `chown -R nobody '{data_directory}'`."
    )


def ordinary_user() -> pwd.struct_passwd:
    """Return a user with a name who is not root, preferably the one who owns nothing."""
    return min(
        (user for user in pwd.getpwall() if user.pw_uid != 0), key=lambda user: (user.pw_name != "nobody", user.pw_uid)
    )


def is_namespace_allowed(user: pwd.struct_passwd) -> bool:
    """Find out in a child: there is no way back from a namespace that allows half of it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            enter_namespace(user)
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def enter_namespace(user: pwd.struct_passwd) -> None:
    """Be that user inside a new user namespace, and whoever one was outside."""
    outside = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{user.pw_uid} {outside[0]} 1")
    write("/proc/self/gid_map", f"{user.pw_gid} {outside[1]} 1")


def write(path: str, text: str) -> None:
    """Write to a file of the kernel, which wants it in one piece."""
    with open(path, "w") as file:
        file.write(text)


def become_nobody(user: pwd.struct_passwd, descriptor: int) -> None:
    """Give the data directory to that user, and be it."""
    os.chown(descriptor, user.pw_uid, user.pw_gid)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def die_with(parent: int) -> None:
    """Have the kernel stop this process, by a fast shutdown, when the supervisor dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit("the supervisor died before PostgreSQL was started")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
