"""``python -m tests.faults.failing_fsync PROGRAM …``: runs a program whose every fsync fails with an I/O error (F16).

A seccomp filter answers ``fsync`` and ``fdatasync`` with EIO. It needs neither root nor a compiler, lasts as long as the process
and is inherited by everything it starts.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

CALLS = {"x86_64": (0xC000003E, 74, 75), "aarch64": (0xC00000B7, 82, 83)}
"""By machine: the kernel's name for the architecture, and the numbers of ``fsync`` and ``fdatasync``."""
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF: load a word, jump if equal, return
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def possible() -> bool:
    """Whether this machine is one whose call numbers are known here."""
    return sys.platform == "linux" and platform.machine() in CALLS


def install() -> None:
    """From now on no fsync of this process succeeds; ``OSError`` when the kernel has no filters."""
    architecture, *numbers = CALLS[platform.machine()]
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 0, 3, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_EQUAL, 2, 0, numbers[0]),
        (_EQUAL, 1, 0, numbers[1]),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERROR | errno.EIO),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0)):
        if libc.prctl(*words) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    install()
    os.execv(sys.argv[1], sys.argv[1:])
