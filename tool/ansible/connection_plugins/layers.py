"""Ansible's way into a layer's container: through the agent that layers keeps running in there (tool/ansible/agent).

LAYERS_ANSIBLE_CONNECTION names a file with one JSON object, which layers replaces when something changes:

  container  its name: whatever else a host is called is not reached this way
  state      starting | ready | none (there is no Python inside yet) | ended
  reason     why it ended
  socket     name in the abstract namespace
  token      what the agent wants to hear
  run        argv of `buildah run` up to its options, for an image that has no Python
"""

import json
import os
import re
import select
import socket
import struct
import subprocess
import time

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes, to_native
from ansible.plugins.connection import ConnectionBase, ensure_connect
from ansible.utils.display import Display

DOCUMENTATION = """
    name: layers
    short_description: the container of a layer that layers builds
    description:
      - Runs commands and moves files through one process that stays in the container while playbooks are played.
      - Works inside C(layers build) only.
    author: layers
    extends_documentation_fragment:
      - connection_pipelining
    options:
      remote_addr:
        description: Name of the working container; set by layers.
        default: inventory_hostname
        vars:
          - name: inventory_hostname
          - name: ansible_host
      remote_user:
        description: A user of the image, by name or number.
        default: root
        ini:
          - section: defaults
            key: remote_user
        env:
          - name: ANSIBLE_REMOTE_USER
        vars:
          - name: ansible_user
        keyword:
          - name: remote_user
"""

display = Display()

CHUNK = 1 << 18
PAUSE = 0.01
# A container starts in half a second; a machine may be busy.
START_LIMIT = 120.0
# layers writes down why the agent ended as soon as it sees that.
REASON_LIMIT = 3.0
# Larger ones are no frames: whoever answers is not our agent.
LONGEST_FRAME = 1 << 24
# What Ansible makes of a module in Python, and of the command that shall run it.
WRAPPER = re.compile(rb"#!(/\S+)\n# -\*- coding: utf-8 -\*-\n_ANSIBALLZ_WRAPPER = True")
END_OF_COMMAND = b" && sleep 0'"


class Connection(ConnectionBase):
    transport = "layers"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    @ensure_connect
    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv("EXEC %s" % to_native(cmd), host=self._address())
        command = to_bytes(cmd, errors="surrogate_or_strict")
        session, agent = self._open()
        if agent is None:
            process = self._buildah(session, [b"/bin/sh", b"-c", command], stdout=subprocess.PIPE)
            output, error = process.communicate(in_data)
            return process.returncode, output, error
        become = self.become if sudoable and self.become and self.become.expect_prompt() else None
        interpreter = interpreter_of(command, in_data)
        if interpreter is not None:
            with Request(agent, session["token"], "module", self._user(), command, interpreter) as request:
                request.source = iter([in_data])
                code = request.finish()
            if not request.is_declined:
                return code, bytes(request.received[b"o"]), bytes(request.received[b"e"])
            session, agent = self._open()
        with Request(agent, session["token"], "run", self._user(), command) as request:
            request.source = iter([in_data or b""])
            if become is not None:
                self._answer_prompt(request, become)
            code = request.finish()
        return code, bytes(request.received[b"o"]), bytes(request.received[b"e"])

    @ensure_connect
    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        display.vvv("PUT %s TO %s" % (in_path, out_path), host=self._address())
        target = to_bytes(out_path, errors="surrogate_or_strict")
        try:
            source = open(to_bytes(in_path, errors="surrogate_or_strict"), "rb")
        except FileNotFoundError:
            raise AnsibleFileNotFound("file or module does not exist: %s" % to_native(in_path))
        with source:
            session, agent = self._open()
            if agent is None:
                self._move(session, [b"/bin/sh", b"-c", b'cat > "$1"', b"sh", target], out_path, stdin=source)
                return
            size = os.fstat(source.fileno()).st_size
            with Request(agent, session["token"], "put", self._user(), target, str(size)) as request:
                request.source = pieces(source, size)
                request.finish("cannot write %s" % to_native(out_path))

    @ensure_connect
    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        display.vvv("FETCH %s TO %s" % (in_path, out_path), host=self._address())
        source = to_bytes(in_path, errors="surrogate_or_strict")
        session, agent = self._open()
        with open(to_bytes(out_path, errors="surrogate_or_strict"), "wb") as target:
            if agent is None:
                self._move(session, [b"cat", b"--", source], in_path, stdout=target)
                return
            with Request(agent, session["token"], "fetch", self._user(), source) as request:
                request.take = lambda kind, content: target.write(content)
                request.finish("cannot read %s" % to_native(in_path))

    def reset(self):
        """Each request is a connection of its own, as a user whose groups are looked up again."""

    def close(self):
        self._connected = False

    def _address(self):
        return self.get_option("remote_addr")

    def _user(self):
        return to_bytes(self.get_option("remote_user") or "root", errors="surrogate_or_strict")

    def _open(self):
        """The session, and a socket to the agent, or None where the image has no Python for one."""
        limit = time.monotonic() + START_LIMIT
        while True:
            session = read_session()
            if self._address() != session["container"]:
                raise AnsibleConnectionFailure(
                    "the connection `layers` leads to the layer's container only, not to %s" % self._address()
                )
            if session["state"] == "none":
                return session, None
            if session["state"] == "ended":
                raise AnsibleConnectionFailure(ended(session))
            agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                agent.connect(b"\0" + session["socket"].encode())
                if not is_ours(agent):
                    agent.close()
                    raise AnsibleConnectionFailure("what answers in the container's place is another user's")
                return session, agent
            except OSError as error:
                agent.close()
                if session["state"] == "ready" and read_session()["state"] == "ready":
                    raise AnsibleConnectionFailure("the agent in the container does not answer: %s" % error.strerror)
            if time.monotonic() > limit:
                raise AnsibleConnectionFailure("the agent in the container did not start in %d s" % START_LIMIT)
            time.sleep(PAUSE)

    def _answer_prompt(self, request, become):
        """Until the method says that it let us pass, nothing else is sent: it would read that as a password."""
        limit = time.monotonic() + float(self._play_context.timeout)
        source, request.source = request.source, None
        said = b""
        is_answered = False
        while not become.check_success(said) and not request.is_over:
            if is_answered and (become.check_incorrect_password(said) or become.check_missing_password(said)):
                raise AnsibleError("Incorrect %s password" % become.name)
            if not is_answered and become.check_password_prompt(said):
                password = become.get_option("become_pass", playcontext=self._play_context) or ""
                request.put(to_bytes(password, errors="surrogate_or_strict") + b"\n")
                is_answered = True
            if time.monotonic() > limit:
                raise AnsibleError("timeout waiting for privilege escalation password prompt:\n" + to_native(said))
            request.step(100)
            said = bytes(request.received[b"o"] + request.received[b"e"])
        if become.check_success(said):
            # The prompt is no output of the command; what says success on the other stream Ansible takes away itself.
            request.received[b"e"].clear()
        request.source = source

    def _buildah(self, session, argv, **streams):
        user = self._user()
        options = [] if user == b"root" else [b"--user", user]
        whole = [to_bytes(word) for word in session["run"]] + options + [b"--", to_bytes(session["container"])] + argv
        streams.setdefault("stdin", subprocess.PIPE)
        return subprocess.Popen(whole, stderr=subprocess.PIPE, **streams)

    def _move(self, session, argv, path, **streams):
        process = self._buildah(session, argv, **streams)
        _, error = process.communicate()
        if process.returncode != 0:
            raise AnsibleError("cannot move %s: %s" % (to_native(path), to_native(error).strip()))


class Request:
    """One exchange with the agent; either side may send at any time."""

    def __init__(self, agent, token, verb, *arguments):
        self._agent = agent
        self._agent.setblocking(False)
        fields = b"\0".join(to_bytes(one) for one in (token, verb) + arguments)
        self._outgoing = memoryview(struct.pack(">I", len(fields)) + fields)
        self._incoming = bytearray()
        self._is_open = True
        # What is sent, piece by piece, then the end; None: not yet known.
        self.source = None
        self.received = {b"o": bytearray(), b"e": bytearray()}
        self.take = lambda kind, content: self.received[kind].extend(content)
        self.code = None
        self.refusal = None
        self.is_declined = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._agent.close()

    def put(self, data):
        self._outgoing = memoryview(bytes(self._outgoing) + data)

    @property
    def is_over(self):
        return self.code is not None or self.refusal is not None or self.is_declined

    def finish(self, failed=None):
        """The exit code. A request that failed is an error, in whose words `failed` comes first."""
        while not self.is_over:
            self.step()
        if self.refusal is None:
            return self.code
        if failed is None:
            raise AnsibleConnectionFailure(self.refusal)
        raise AnsibleError("%s: %s" % (failed, self.refusal))

    def step(self, timeout=None):
        """Waits until something can be sent or received; `timeout` in milliseconds."""
        self._fill()
        poller = select.poll()
        poller.register(self._agent, select.POLLIN | (select.POLLOUT if self._outgoing else 0))
        for _, event in poller.poll(timeout):
            if event & select.POLLOUT:
                self._send()
            if event & ~select.POLLOUT:
                self._receive()

    def _fill(self):
        while not self._outgoing and self._is_open and self.source is not None:
            piece = next(self.source, None)
            if piece is None:
                self._is_open = False
                try:
                    self._agent.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
            else:
                self._outgoing = memoryview(piece)

    def _send(self):
        try:
            self._outgoing = self._outgoing[self._agent.send(self._outgoing[:CHUNK]) :]
        except BlockingIOError:
            pass
        except OSError:
            # It has ended, or refused; which of the two is to be read.
            self._outgoing = memoryview(b"")
            self._is_open = False

    def _receive(self):
        try:
            data = self._agent.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise AnsibleConnectionFailure(ended(reason_of_end()))
        self._incoming += data
        while len(self._incoming) >= 5:
            (length,) = struct.unpack(">I", self._incoming[1:5])
            if length > LONGEST_FRAME:
                raise AnsibleConnectionFailure("what answers in the container is not the agent of layers")
            if len(self._incoming) < 5 + length:
                return
            kind, content = bytes(self._incoming[:1]), bytes(self._incoming[5 : 5 + length])
            del self._incoming[: 5 + length]
            if kind == b"x":
                self.code = int(content)
            elif kind == b"-":
                self.is_declined = True
            elif kind == b"!":
                self.refusal = content.decode("utf-8", "replace")
            else:
                self.take(kind, content)


def interpreter_of(command, program):
    """The Python that the command runs and nothing else, with a module in Ansible's wrapper as its standard input; or None."""
    wrapper = WRAPPER.match(program or b"")
    if wrapper is None or not command.startswith(b"/bin/sh -c '"):
        return None
    path = wrapper.group(1)
    return path if command.endswith((b"'" + path + END_OF_COMMAND, b" " + path + END_OF_COMMAND)) else None


def is_ours(agent):
    """A container's root is who started it, whatever number each of the two sees; the name of an agent that ended anybody can take."""
    _, uid, _ = struct.unpack("3i", agent.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid == os.geteuid()


def pieces(file, size):
    """Exactly as much as was announced."""
    while size > 0:
        piece = file.read(min(size, CHUNK))
        if not piece:
            raise AnsibleError("%s became shorter while it was copied" % to_native(file.name))
        size -= len(piece)
        yield piece


def read_session():
    place = os.environ.get("LAYERS_ANSIBLE_CONNECTION")
    if not place:
        raise AnsibleConnectionFailure("the connection `layers` works only inside `layers build`")
    try:
        with open(place) as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise AnsibleConnectionFailure("the connection `layers` is closed: %s" % error)


def reason_of_end():
    limit = time.monotonic() + REASON_LIMIT
    session = read_session()
    while session["state"] != "ended" and time.monotonic() < limit:
        time.sleep(PAUSE)
        session = read_session()
    return session


def ended(session):
    return "the agent in the container ended%s" % (": " + session["reason"] if session.get("reason") else "")
