"""What runs inside the sandbox: gives up what it can, then runs one program.

This file's text is handed to ``python -I -S -c``; it imports the standard library only and must
not import evalsuite. The arguments are one JSON object.
"""

import ctypes
import json
import os
import resource
import sys
import types

_MS_NOSUID, _MS_NODEV = 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_SETATTR = 442  # the same number on every architecture
_ATTRIBUTES = 1 | _MS_NOSUID | _MS_NODEV  # read-only, no set-uid programs, no devices


def seal_files(directory, size_bytes):
    """Make every file system read-only and put an empty, small one at ``directory``.

    Returns whether it worked, which takes a mount namespace of one's own.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = (ctypes.c_uint64 * 4)(_ATTRIBUTES, 0, 0, 0)
    root, size = b"/", ctypes.c_size_t(32)
    if libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, root, _AT_RECURSIVE, attributes, size) != 0:
        return False
    options = f"size={size_bytes},mode=0700,nr_inodes=256".encode()
    flags = _MS_NOSUID | _MS_NODEV
    return libc.mount(b"tmpfs", os.fsencode(directory), b"tmpfs", flags, options) == 0


def limit(cpu_s, memory_bytes, file_bytes, processes):
    """Lower the limits of this process and its children; returns those the system refuses."""
    refused = []
    for name, value in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_CPU", cpu_s),
        ("RLIMIT_FSIZE", file_bytes),
        ("RLIMIT_NOFILE", 64),
        ("RLIMIT_NPROC", processes),
        ("RLIMIT_AS", memory_bytes),
    ):
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (bound, bound))
        except (ValueError, OSError):  # macOS knows no limit of address space
            refused.append(name)
    return refused


def main(path):
    """Run the program; write what came of it to the descriptor, and nothing when it died."""
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    with open(settings["program"], "rb") as file:
        source = file.read()
    os.unlink(path)  # it holds the word that says that a program passed
    report, directory = settings["report"], settings["directory"]
    facts = {"files_sealed": False}
    if settings["seal"]:
        facts["files_sealed"] = seal_files(directory, settings["file_bytes"])
        if not facts["files_sealed"] and not settings["is_trial"]:
            os._exit(3)
    os.chdir(directory)
    facts["without"] = limit(
        settings["cpu_s"], settings["memory_bytes"], settings["file_bytes"], settings["processes"]
    )
    os.set_inheritable(report, False)
    # A module of its own under the name that a script has; dataclasses look it up.
    sys.argv = ["program.py"]
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    try:
        exec(compile(source, "<program>", "exec"), vars(module))
        facts["token"] = settings["token"]
    except MemoryError:
        facts["error"] = "MemoryError"
    except BaseException as error:  # noqa: BLE001  whatever a stranger's program raises
        facts["error"] = type(error).__name__
    os.write(report, json.dumps(facts).encode())
    os._exit(0)  # not past its exit handlers and threads


if __name__ == "__main__":
    main(sys.argv[1])
