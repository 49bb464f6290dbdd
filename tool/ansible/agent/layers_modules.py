"""Continues layers_interpreters.py, in one text with it: what runs in an interpreter that Ansible asked for.

A module must not see a difference to an interpreter that reads it from standard input: it has that one's process tree, arguments,
variables, files, signals and `__main__`, and ends as that does. The shells above it are gone: a process of ours stands for them. What is loaded beforehand are modules of the standard library that
most modules of Ansible load. Whoever finds anything unusual ends before it is ready.
"""

LOADED = """
    __future__ argparse ast atexit base64 codecs collections configparser contextlib copy ctypes datetime errno fcntl fnmatch functools
    getpass glob grp hashlib importlib.util io itertools json locale logging operator os pathlib pkgutil platform pwd random re runpy
    select selectors shlex shutil signal socket stat string struct subprocess syslog tempfile textwrap threading time traceback types
    typing urllib.parse warnings zipfile zipimport
""".split()
# What decides how a Python starts, besides its own files.
SETTINGS = """
    /etc/ld.so.cache /etc/ld.so.preload /etc/nsswitch.conf /etc/localtime /etc/ssl/openssl.cnf /etc/pki/tls/openssl.cnf
    /etc/crypto-policies/config /etc/crypto-policies/back-ends/opensslcnf.config
""".split()
# In Ansible's wrapper, whatever that looks like otherwise.
ARCHIVE = rb"""["']([A-Za-z0-9+/=\n]{1000,})["']"""
# Frames of ours below a program's own.
DEPTH = 4
MOST_COMPILED = 2000


def interpret(at_start, name, token, command, path, life, slot):
    """Serves modules until `life` ends, or nobody asks any more; in the process of a module, runs that."""
    for one in (life, slot):
        os.set_inheritable(one, False)
    compiled = {}
    load(*at_start)
    is_as_before = watch(path)
    leave_shells()
    try:
        server = listening(name)
    except OSError:
        os._exit(0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.write(1, READY)
    while True:
        end = time.monotonic() + UNUSED
        client = accepted(server, token, life, command, lambda: TAKEN if is_as_before() else MADE_ROOM, end)
        if client is None:
            continue
        with client:
            try:
                program = received(client)
                learn(program, compiled)
                freeze()
                own = os.fork()
            except OSError as error:
                complain(client, error.strerror or str(error))
                continue
            if own == 0:
                server.close()
                os.close(slot)
                begin(client, life)
                break
    become_fresh(compiled)
    run_program(program)


def leave_shells():
    """Ends the shells that wait for this Python: COMMAND has variables in it, and anybody sees a process's arguments."""
    with open("/proc/%d/cmdline" % os.getppid(), "rb") as file:
        # Another that waits, a script around Python, has something to do afterwards.
        if not file.read().endswith(b" && sleep 0\0"):
            os._exit(1)
    if os.fork() != 0:
        os._exit(0)


def received(client):
    """All that the client sends, which it does at once."""
    client.settimeout(PATIENCE)
    parts = []
    while True:
        part = client.recv(CHUNK)
        if not part:
            client.settimeout(None)
            return b"".join(parts)
        parts.append(part)


def begin(client, life):
    """Comes back in the module's process only: that of the request, and the one that stands for the shell, end in here."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        child = Child()
    except OSError as error:
        complain(client, error.strerror)
        os._exit(0)
    if child.pid != 0:
        try:
            reply(client, lambda: attend(client, life, child))
        finally:
            os._exit(0)
    try:
        client.close()
        os.close(life)
        own = os.fork()
        if own != 0:
            _, status = os.waitpid(own, 0)
            if os.WIFSIGNALED(status):
                # A shell has its own words for that.
                execute(b"/bin/sh -c 'kill -%d $$' && sleep 0" % os.WTERMSIG(status), None)
            os._exit(os.WEXITSTATUS(status))
    except OSError:
        os._exit(126)


def load(loaded, writes_nothing):
    """Modules of the standard library; `loaded` are there already."""
    for name in LOADED:
        try:
            __import__(name)
        except ImportError:
            pass
    sys.dont_write_bytecode = writes_nothing
    # A module would write what is not compiled yet.
    if not writes_nothing and not all(is_compiled(sys.modules[name]) for name in set(sys.modules) - loaded):
        os._exit(1)


def is_compiled(module):
    spec = getattr(module, "__spec__", None)
    if getattr(spec, "cached", None) is None:
        return True
    import importlib.util

    try:
        with open(spec.cached, "rb") as file:
            head = file.read(16)
        source = os.stat(spec.origin)
    except OSError:
        return False
    if head[:4] != importlib.util.MAGIC_NUMBER:
        return False
    stamp = struct.pack("<II", int(source.st_mtime) & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF)
    # From 3.7 on flags come before; others than none say that time does not count.
    return head[4:12] == stamp if sys.version_info < (3, 7) else head[4:8] != b"\0" * 4 or head[8:16] == stamp


def watch(path):
    """Gives a function that says whether a Python which starts now would be like this one."""
    import site

    # They count also while they are not there.
    folders = sys.path + site.getsitepackages() + [site.getusersitepackages()]
    files = set(SETTINGS + folders + [os.fsdecode(path), sys.executable])
    for folder in folders:
        if os.path.isabs(folder) and os.path.isdir(folder):
            files.update(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".pth"))
    for prefix in (sys.prefix, os.path.dirname(sys.executable)):
        files.add(os.path.join(prefix, "pyvenv.cfg"))
    files.update(one.__file__ for one in sys.modules.values() if getattr(one, "__file__", None))
    with open("/proc/self/maps", "rb") as maps:
        files.update(os.fsdecode(line.split(None, 5)[5].rstrip(b"\n")) for line in maps if b" /" in line)
    files.update(locales())
    # With or without the colon; the C library reads it once.
    zone = os.environ.get("TZ", "").lstrip(":")
    files.add(os.path.join(os.environ.get("TZDIR", "/usr/share/zoneinfo"), zone))
    files = [one for one in files if os.path.isabs(one)]
    before = [mark(one) for one in files]
    return lambda: [mark(one) for one in files] == before


def locales():
    """An archive, and folders that come and go beside it."""
    for folder in ["/usr/lib/locale"] + os.environ.get("LOCPATH", "").split(":"):
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                yield os.path.join(folder, name)
        yield folder


def mark(file):
    try:
        found = os.stat(file)
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    except OSError:
        return None


def learn(program, compiled):
    """Compiles what the program brings with it, as its import would do."""
    import base64
    import io
    import re
    import warnings
    import zipfile
    import zipimport

    archive = re.search(ARCHIVE, program)
    if archive is None or hash(archive.group(1)) in compiled or not hasattr(zipimport, "_compile_source"):
        return
    if len(compiled) > MOST_COMPILED:
        compiled.clear()
    compiled[hash(archive.group(1))] = None
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(archive.group(1)))) as members, warnings.catch_warnings():
            # Who says something about its source shall say it each time.
            warnings.simplefilter("error")
            for name in members.namelist():
                source = members.read(name)
                if name.endswith(".py") and source not in compiled:
                    try:
                        compiled[source] = zipimport._compile_source(name, source)
                    except Exception:
                        pass
    except Exception:
        # What is no archive, or a strange one, is the program's to complain of.
        pass


def freeze():
    """What a fork does not touch it does not copy. Python 3.6 cannot."""
    import gc

    if hasattr(gc, "freeze"):
        gc.freeze()


def become_fresh(compiled):
    """Takes from the module's process what a new one would not have, and gives it what was compiled."""
    import random
    import zipimport

    time.tzset()
    # Python 3.6 leaves that to us.
    random.seed()
    sys.path_importer_cache.clear()
    real = getattr(zipimport, "_compile_source", None)
    if real is None:
        return
    import _imp

    paths = {}

    def compile_source(path, source, *rest, **more):
        code = compiled.get(source)
        # A source may be that of two modules, and each has its own path.
        if code is None or paths.setdefault(source, path) != path:
            return real(path, source, *rest, **more)
        _imp._fix_co_filename(code, path)
        return code

    zipimport._compile_source = compile_source


def run_program(program):
    def show(kind, error, trace):
        for _ in range(DEPTH):
            trace = trace and trace.tb_next
        sys.__excepthook__(kind, error.with_traceback(trace), trace)

    sys.excepthook = show
    exec(compile(program, "<stdin>", "exec", dont_inherit=True), sys.modules["__main__"].__dict__)
