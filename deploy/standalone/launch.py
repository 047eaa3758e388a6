"""Becomes a server in a fresh process: takes the server's account, asks to die with its parent, then executes it.

Run as a script by `child.py`, with nothing but the standard library in reach (`python -I -S`). This step is its own
process because a `preexec_fn` runs Python between fork and exec, which may deadlock in a parent that has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
KEEP_USER = -1


def become(parent: int, death_signal: int, uid: int, gid: int, argv: list[str]) -> None:
    """Never returns: this process is `argv[0]` afterwards, with the same pid."""
    if uid != KEEP_USER:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid: the kernel forgets the death signal when credentials change.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # the parent died before the line above
            sys.exit(1)
    os.execv(argv[0], argv)  # noqa: S606 - replacing this process is the task


if __name__ == "__main__":
    PARENT, DEATH_SIGNAL, UID, GID = (int(word) for word in sys.argv[1:5])
    become(PARENT, DEATH_SIGNAL, UID, GID, sys.argv[5:])
