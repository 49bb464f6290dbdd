"""Writes down which paths Ansible depends on: what it opens, lists, and only looks for, and what it found there.

Records are appended to the file that LAYERS_ANSIBLE_TRACE names, each ended by NUL, as a path may hold any other byte:

  V2          the first of a controller: the version of this format
  R/path      opened for reading, and there
  P/path      asked for by stat, lstat, access or readlink, or opened and a folder; something was there, behind all links
  A/path      the same, and nothing was there
  L/path      listed
  L/path//x/y listed; x and y are the names, each behind f, d or l for a file, folder or link
  W/path      made, written, moved or removed by Ansible itself
  E           the controller came to its end
  !text       something went wrong in here: the trace is not whole

Opening and listing are audited by Python itself, in C: nothing gets past. stat and its like are not, so the functions of `os` are
wrapped; os.path, pathlib, glob and shutil call them through that module. A path is written at its first use in a process, and again
when something else is found, in one write, so that a fork (which knows what its parent wrote) and os._exit lose nothing: whoever
reads this can tell what came or went while Ansible ran. Nothing in here may break a run.
"""

import atexit
import errno
import os
import stat
import sys
import threading

VERSION = b"V2\0"

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_open, _write, _close, _getcwd = os.open, os.write, os.close, os.getcwd
_fsencode, _scandir = os.fsencode, os.scandir
_real = {name: getattr(os, name) for name in ("stat", "lstat", "access", "readlink")}


def begin(file):
    kind = _kind_of_process()
    if kind is None:
        return
    trace = _Trace(file, None if kind == "ansible" else os.environ.get("LAYERS_ANSIBLE_ROOT", ""))
    if kind == "ansible" and not os.environ.get("LAYERS_ANSIBLE_TRACE_PID"):
        # Only the first process ends the trace; what it starts finds this.
        os.environ["LAYERS_ANSIBLE_TRACE_PID"] = str(os.getpid())
        trace.write(VERSION)
        atexit.register(trace.end, os.getpid())
    sys.addaudithook(trace.audit)
    _wrap(trace)


def _kind_of_process():
    """`ansible`: one of its own programs. `module`: one that runs on this machine; of those only paths in the tree count, as facts
    are gathered from all over the place. None: any other Python, such as an inventory script, which counts by what it prints."""
    argv = [word for word in getattr(sys, "argv", [""])]
    program = os.path.basename(argv[0]) if argv else ""
    if program.startswith("ansible"):
        return "ansible"
    # With pipelining a module is read from standard input.
    if program in ("", "-") or program.startswith("AnsiballZ_") or "/ansible-tmp-" in argv[0]:
        return "module"
    return None


class _Trace:
    def __init__(self, file, only_below):
        self.file = _fsencode(file)
        self.only_below = None if only_below is None else os.fsencode(only_below).rstrip(b"/") + b"/"
        self.seen = set()
        self.inside = threading.local()

    def write(self, record):
        # Opened each time: a descriptor that is kept may be closed by others, and be another file's then.
        descriptor = _open(self.file, _APPEND)
        try:
            _write(descriptor, record)
        finally:
            _close(descriptor)

    def note(self, kind, path):
        if getattr(self.inside, "busy", False):
            return
        self.inside.busy = True
        try:
            # Seldom more than a look: most paths are asked for again and again. What is in a folder may differ each time.
            if kind != "L" and path.__class__ is str and path[:1] == "/" and (kind, path) in self.seen:
                return
            self._add(kind, path)
        except Exception as error:
            self._fail(error)
        finally:
            self.inside.busy = False

    def _add(self, kind, path):
        # A path may be an object, or a descriptor that was opened before.
        path = os.fspath(path) if not isinstance(path, int) else None
        if path is None or path == "" or path == b"":
            return
        name = _fsencode(path)
        if not name.startswith(b"/"):
            name = _fsencode(_getcwd()) + b"/" + name
        name = _normal(name)
        if b"\0" in name or name == self.file:
            return
        if self.only_below is not None and not name.startswith(self.only_below):
            return
        if kind == "R" and not _is_file(name):
            kind = "P" if _is_there(name) else "A"
        record = kind.encode() + name + (_names(name) if kind == "L" else b"") + b"\0"
        if record not in self.seen:
            self.seen.add(record)
            self.write(record)
        if path.__class__ is str and path[:1] == "/":
            self.seen.add((kind, path))

    def _fail(self, error):
        try:
            self.write(b"!" + repr(error).encode("ascii", "backslashreplace").replace(b"\0", b"") + b"\0")
        except Exception:
            pass

    def audit(self, event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if _reads(mode, flags):
                self.note("R", path)
            if _writes(mode, flags):
                self.note("W", path)
        elif event == "os.listdir" or event == "os.scandir":
            self.note("L", "." if arguments[0] is None else arguments[0])
        elif event in _CHANGES:
            for path, folder in _CHANGES[event](*arguments):
                # -1 or None: not relative to an open folder.
                if folder == -1 or folder is None:
                    self.note("W", path)

    def end(self, pid):
        # A fork that ends as usual would call this too.
        if os.getpid() == pid:
            self.write(b"E\0")


# What each of these audits → the paths that it makes or takes away, each with the folder's descriptor.
_CHANGES = {
    "os.mkdir": lambda path, mode, folder=-1: [(path, folder)],
    "os.remove": lambda path, folder=-1: [(path, folder)],
    "os.rmdir": lambda path, folder=-1: [(path, folder)],
    "os.rename": lambda old, new, old_folder=-1, new_folder=-1: [(old, old_folder), (new, new_folder)],
    "os.link": lambda old, new, old_folder=-1, new_folder=-1: [(new, new_folder)],
    "os.symlink": lambda target, new, folder=-1: [(new, folder)],
    "shutil.rmtree": lambda path, folder=-1: [(path, folder)],
}
_MARKS = {False: b"f", True: b"d"}


def _names(folder):
    """`//` and the names, sorted; nothing for a folder that is not there, or one of Python's own, which count by version."""
    if b"/lib/python" in folder or b"-packages" in folder or folder.startswith((b"/proc", b"/sys", b"/dev")):
        return b""
    try:
        with _scandir(folder) as entries:
            shown = [
                (b"l" if entry.is_symlink() else _MARKS[entry.is_dir(follow_symlinks=False)]) + entry.name
                for entry in entries
            ]
    except OSError:
        return b""
    return b"//" + b"/".join(sorted(shown))


def _is_there(name):
    try:
        _real["stat"](name)
        return True
    except OSError:
        return False


def _is_file(name):
    try:
        return not stat.S_ISDIR(_real["stat"](name).st_mode)
    except OSError:
        return False


def _reads(mode, flags):
    if isinstance(mode, str):
        return "r" in mode or "+" in mode
    if not isinstance(flags, int):
        return True
    return flags & os.O_ACCMODE != os.O_WRONLY and not flags & os.O_TRUNC


def _writes(mode, flags):
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_ACCMODE | os.O_CREAT | os.O_TRUNC))


def _normal(name):
    """Without `//` and `/./`. `..` stays: it means something else behind a link."""
    if b"//" not in name and b"/." not in name and not name.endswith(b"/"):
        return name
    return b"/" + b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))


def _wrap(trace):
    def wrapped(name):
        real = _real[name]

        def probe(path, *args, **kwargs):
            # Relative to an open folder: such a walk began with a listing or an open that is written down.
            if kwargs.get("dir_fd") is not None:
                return real(path, *args, **kwargs)
            try:
                found = real(path, *args, **kwargs)
            except OSError as error:
                # readlink says so of what is no link.
                trace.note("P" if error.errno == errno.EINVAL else "A", path)
                raise
            # access says no of what is there as well, and a link may lead to nothing.
            is_sure = found is True or (hasattr(found, "st_mode") and not stat.S_ISLNK(found.st_mode))
            trace.note("P" if is_sure or isinstance(path, int) or _is_there(path) else "A", path)
            return found

        probe.__name__ = probe.__qualname__ = name
        probe.__doc__ = real.__doc__
        return probe

    def opened(path, flags, mode=0o777, *, dir_fd=None):
        if dir_fd is None:
            return _open(path, flags, mode)
        # The audit is not told what the path is relative to.
        before = getattr(trace.inside, "busy", False)
        trace.inside.busy = True
        try:
            return _open(path, flags, mode, dir_fd=dir_fd)
        finally:
            trace.inside.busy = before

    opened.__name__ = opened.__qualname__ = "open"
    opened.__doc__ = _open.__doc__
    os.open = opened
    os.supports_dir_fd.add(opened)

    for name, real in _real.items():
        probe = wrapped(name)
        setattr(os, name, probe)
        # `os.stat in os.supports_follow_symlinks` is how shutil and others ask what it can do.
        for supports in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
            if real in supports:
                supports.add(probe)
