"""Runs commands and moves files inside a layer's container, for tool/ansible/connection_plugins/layers.py outside.

layers starts it once by `buildah run`, for as long as playbooks are played, with the image's own Python: it reads from standard input

  length of what follows, in ten digits; socket's name, LF, token, LF, this text and those that continue it: layers_child.py,
  layers_interpreters.py, layers_modules.py

says `ready`, and listens on a socket of the abstract namespace, which leaves nothing in the image and which both sides see, as a
build has the host's network. Standard input's end is the agent's: it ends with layers, however that ends.

A request is one connection, in a process of its own here:

  to us    length (4 bytes, big endian), then token, verb, user and arguments, with NUL between them; then data up to the half-close
             run    COMMAND for /bin/sh -c; the data are its standard input
             module COMMAND, PATH; the same, where the data are a program for the Python at PATH, and COMMAND runs that
                    (layers_interpreters.py)
             put    PATH, SIZE; the data are the content
             fetch  PATH
  from us  frames: kind (1 byte), length (4 bytes), content
             o, e   standard output (or the file) and standard error, as bytes
             x      exit code in decimal; 128 + the signal, as a shell would say. Last
             !      why the request itself failed, in UTF-8. Last
             -      nothing was done: `run` is the way. Last
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


class Declined(Exception):
    pass


def main(name, token, text):
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(b"\0" + name)
    server.listen(128)
    # The first process of a container inherits all orphans: nobody else waits for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    forget_start()
    # Read by the processes of requests: it ends with this process, also when that is killed.
    life, kept = os.pipe()
    place = Place(name, token, text, life)
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
                    answer(client, place)
                finally:
                    os._exit(0)
            client.close()


def forget_start():
    """Commands shall not inherit what the shell that started us set, nor LC_CTYPE, which Python sets for itself where the locale is C."""
    try:
        with open("/proc/self/environ", "rb") as file:
            given = [one.partition(b"=")[0] for one in file.read().split(b"\0")]
    except OSError:
        given = [b"LC_CTYPE"]
    for name in ("PWD", "OLDPWD", "SHLVL", "_") + (() if b"LC_CTYPE" in given else ("LC_CTYPE",)):
        os.environ.pop(name, None)


class Place:
    """What processes of requests know of the agent."""

    def __init__(self, name, token, text, life):
        self.name = name
        self.token = token
        self.text = text
        self.life = life


def answer(client, place):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        # Anybody on the machine can find the socket's name.
        if not is_ours(client):
            return
        given, verb, user, *arguments = receive_request(client)
    except (OSError, ClientGone):
        return
    if given == place.token:
        reply(client, lambda: VERBS[verb](client, place, user, *arguments))


def is_ours(peer):
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid == os.getuid()


def reply(client, work):
    """Does what was asked for, which gives an exit code, and says how that went."""
    try:
        finish(client, b"x", b"%d" % work())
    except Declined:
        finish(client, b"-", b"")
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


def run(client, place, user, command):
    who = identity(user)
    child = Child()
    if child.pid == 0:
        execute(command, who)
    return attend(client, place.life, child)


def put(client, place, user, path, size):
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


def fetch(client, place, user, path):
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

