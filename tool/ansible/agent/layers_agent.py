"""Runs commands and moves files inside a layer's container, for tool/ansible/connection_plugins/layers.py outside.

layers starts it once by `buildah run`, for as long as playbooks are played, with the image's own Python: it reads from standard input

  length of what follows, in ten digits; socket's name, LF, token, LF, this text

says `ready`, and listens on a socket of the abstract namespace, which leaves nothing in the image and which both sides see, as a
build has the host's network. Standard input's end is the agent's: it ends with layers, however that ends.

A request is one connection, in a process of its own here:

  to us    length (4 bytes, big endian), then token, verb, user and arguments, with NUL between them; then data up to the half-close
             run    COMMAND for /bin/sh -c; the data are its standard input
             put    PATH, SIZE; the data are the content
             fetch  PATH
  from us  frames: kind (1 byte), length (4 bytes), content
             o, e   standard output (or the file) and standard error, as bytes
             x      exit code in decimal; 128 + the signal, as a shell would say. Last
             !      why the request itself failed, in UTF-8. Last
Who goes away before the end ends the command. Python 3.6 and what its smallest packages hold is all that is needed.
"""

import errno
import os
import select
import signal
import socket
import stat
import struct
import time

CHUNK = 1 << 16
GRACE = 2.0
GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Refused(Exception):
    pass


class ClientGone(Exception):
    pass


def main(name, token):
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(b"\0" + name)
    server.listen(128)
    # The first process of a container inherits all orphans: nobody else waits for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    # Read by the processes of requests: it ends with this process, also when that is killed.
    life, kept = os.pipe()
    os.write(1, b"ready\n")
    while True:
        readable, _, _ = select.select([0, server], [], [])
        if 0 in readable and not os.read(0, CHUNK):
            return
        if server in readable:
            client, _ = server.accept()
            try:
                pid = os.fork()
            except OSError:
                pid = -1
            if pid == 0:
                try:
                    server.close()
                    os.close(kept)
                    answer(client, token, life)
                finally:
                    os._exit(0)
            client.close()


def answer(client, token, life):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        _, uid, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        # Anybody on the machine can find the socket's name.
        if uid != os.getuid():
            return
        given, verb, user, *arguments = receive_request(client)
        if given != token:
            return
        finish(client, b"x", b"%d" % VERBS[verb](client, life, user, *arguments))
    except Refused as error:
        complain(client, str(error))
    except OSError as error:
        complain(client, error.strerror or str(error))
    except ClientGone:
        pass


def receive_request(client):
    (length,) = struct.unpack(">I", receive(client, 4))
    return receive(client, length).split(b"\0")


def receive(client, length):
    parts = []
    while length > 0:
        data = client.recv(min(length, CHUNK))
        if not data:
            raise ClientGone()
        parts.append(data)
        length -= len(data)
    return b"".join(parts)


def send(client, kind, content=b""):
    try:
        client.sendall(kind + struct.pack(">I", len(content)) + content)
    except OSError:
        raise ClientGone()


def complain(client, text):
    finish(client, b"!", text.encode("utf-8", "replace"))


def finish(client, kind, content):
    """The last frame."""
    try:
        send(client, kind, content)
        client.shutdown(socket.SHUT_WR)
        # To write to us after the end would be an error for the other side, which may not have read ours yet.
        while client.recv(CHUNK):
            pass
    except (OSError, ClientGone):
        pass


def run(client, life, user, command):
    who = identity(user)
    child = Child(command, who)
    try:
        return follow(client, life, child)
    except BaseException:
        child.end()
        raise


def follow(client, life, child):
    """Moves data until the command has ended and nobody holds its output any more; gives its exit code."""
    poller = select.poll()
    for descriptor in (life, child.output, child.error):
        poller.register(descriptor, select.POLLIN)
    poller.register(client, select.POLLIN)
    kinds = {child.output: b"o", child.error: b"e"}
    pending = b""
    pause = 1
    while True:
        timeout = None
        if not kinds:
            # It may have closed its output and go on, also with reading.
            code = child.exit_code()
            if code is not None:
                return code
            timeout, pause = pause, min(pause * 2, 100)
        for descriptor, event in poller.poll(timeout):
            if descriptor == life or (descriptor == client.fileno() and event & GONE):
                raise ClientGone()
            if descriptor == client.fileno():
                pending = client.recv(CHUNK)
                # Not more than one piece is held.
                poller.modify(client, 0)
                if not pending:
                    child.close_input(poller)
                elif child.input is None:
                    poller.modify(client, select.POLLIN)
                else:
                    poller.register(child.input, select.POLLOUT)
            elif descriptor == child.input:
                pending = child.write(pending, poller)
                if not pending:
                    if child.input is not None:
                        poller.unregister(child.input)
                    poller.modify(client, select.POLLIN)
            elif descriptor in kinds:
                data = os.read(descriptor, CHUNK)
                if data:
                    send(client, kinds[descriptor], data)
                else:
                    poller.unregister(descriptor)
                    os.close(descriptor)
                    del kinds[descriptor]


class Child:
    """A shell in a session of its own."""

    def __init__(self, command, who):
        theirs_input, self.input = os.pipe()
        self.output, theirs_output = os.pipe()
        self.error, theirs_error = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                for source, target in ((theirs_input, 0), (theirs_output, 1), (theirs_error, 2)):
                    os.dup2(source, target)
                # Python ignores these, and a program would inherit that.
                for name in ("SIGPIPE", "SIGXFSZ"):
                    signal.signal(getattr(signal, name), signal.SIG_DFL)
                assume(who)
                os.execv("/bin/sh", [b"/bin/sh", b"-c", command])
            except OSError as error:
                os.write(2, ("/bin/sh: %s\n" % error.strerror).encode())
                os._exit(127 if error.errno == errno.ENOENT else 126)
            finally:
                os._exit(126)
        for descriptor in (theirs_input, theirs_output, theirs_error):
            os.close(descriptor)
        os.set_blocking(self.input, False)
        self.status = None

    def write(self, data, poller):
        """Gives what is left; nothing is when nobody reads it."""
        try:
            return data[os.write(self.input, data) :]
        except BlockingIOError:
            return data
        except OSError:
            self.close_input(poller)
            return b""

    def close_input(self, poller):
        if self.input is None:
            return
        try:
            poller.unregister(self.input)
        except KeyError:
            pass
        os.close(self.input)
        self.input = None

    def exit_code(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == 0:
                return None
            self.status = status
        if os.WIFSIGNALED(self.status):
            return 128 + os.WTERMSIG(self.status)
        return os.WEXITSTATUS(self.status)

    def end(self):
        """Ends all of its group."""
        end = time.monotonic() + GRACE
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except OSError:
                return
            while number == signal.SIGTERM and self.exit_code() is None and time.monotonic() < end:
                time.sleep(0.02)


def put(client, life, user, path, size):
    assume(identity(user))
    left = int(size)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        while left > 0:
            data = client.recv(min(left, CHUNK))
            if not data:
                raise ClientGone()
            left -= len(data)
            while data:
                data = data[os.write(target, data) :]
    finally:
        os.close(target)
    return 0


def fetch(client, life, user, path):
    assume(identity(user))
    source = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(source).st_mode):
        raise Refused("not a regular file")
    while True:
        data = os.read(source, CHUNK)
        if not data:
            return 0
        send(client, b"o", data)


VERBS = {b"run": run, b"put": put, b"fetch": fetch}


def identity(user):
    """Entry of the image's passwd; None for the user that we are."""
    if user in (b"", b"root", b"0"):
        return None
    import pwd

    name = os.fsdecode(user)
    try:
        return pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        raise Refused("the image has no user %s" % name)


def assume(who):
    if who is None:
        return
    os.initgroups(who.pw_name, who.pw_gid)
    os.setgid(who.pw_gid)
    os.setuid(who.pw_uid)
    os.environ["HOME"] = who.pw_dir

