"""Continues layers_child.py, in one text with it: modules of Ansible that come as a program for a Python's standard input.

Most of what such a module costs is the start of the Python, and the compiling of the library that it brings with it. So the agent
runs the command that Ansible gives for it, the interpreter of Ansible's choice with its settings and variables, and lets that read a
program of ours, layers_modules.py: it stays, and each module runs in a fork of it. Where there is none to be had, the answer is `-`.

An interpreter listens on the agent's name and a hash, which nobody can know before it listens. It gets one message, token, NUL, COMMAND, and with it the client's socket,
and answers

  +    it took the client
  ~    it is not what it was when it started, or has another COMMAND: it made room for another
  -    there is none for COMMAND, and will be none for some minutes

Each holds one of a few places, which are names as well, from before it starts. Where all are held, nobody is sent away for another.
"""

# Interpreters at a time; they differ by `environment:` mostly.
SLOTS = 8
PATIENCE = 60
# After these seconds one that nobody asked makes room, and what did not come up may be tried again.
UNUSED = 300
LONGEST_COMMAND = 1 << 17
HASH = (1 << 64) - 1
TAKEN, MADE_ROOM, NONE, READY = b"+", b"~", b"-", b"ready\n"
# Nothing of ours is seen in the interpreter's `__main__`, nor compiled into the image.
PROGRAM = b"""exec(compile(%r, "layers", "exec"), {"__name__": "layers", "ASKED": %r})\n"""
BEFORE = b"import sys\nAT_START = set(sys.modules), sys.dont_write_bytecode\nsys.dont_write_bytecode = True\n"
AFTER = b"\ninterpret(AT_START, *ASKED)\n"


def module(client, place, user, command, path):
    """Hands the client over to an interpreter, which answers it; this process ends then."""
    if identity(user) is not None or len(command) > LONGEST_COMMAND:
        raise Declined()
    name = name_of(place, command)
    # The second is for one that is not what it was when it started.
    for _ in range(2):
        interpreter = connected(name) or started(name, place, client, command, path)
        answer = interpreter and ask(interpreter, client, place.token, command)
        if answer == TAKEN:
            os._exit(0)
        if answer != MADE_ROOM:
            break
    raise Declined()


def name_of(place, what):
    """Python's own hash has a secret of the agent for a key, and needs no library."""
    return b"\0%s-%x" % (place.name, hash(place.token + b"\0" + what) & HASH)


def free_slot(place):
    """A socket that holds one of the places as long as anybody has it; None when all are held."""
    for index in range(SLOTS):
        slot = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            slot.bind(name_of(place, b"%d" % index))
            return slot
        except OSError:
            slot.close()
    return None


def connected(name):
    interpreter = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        interpreter.connect(name)
        # The name of one that ended is known, and anybody can take it.
        if is_ours(interpreter):
            return interpreter
    except OSError:
        pass
    interpreter.close()
    return None


def ask(interpreter, client, token, command):
    with interpreter:
        try:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", client.fileno()))
            interpreter.sendmsg([token + b"\0" + command], [rights])
            return interpreter.recv(1)
        except OSError:
            return b""


def started(name, place, client, command, path):
    """A connection to a new interpreter, or None."""
    slot = free_slot(place)
    if slot is None:
        return None
    child = Child()
    if child.pid == 0:
        os.set_inheritable(place.life, True)
        slot.set_inheritable(True)
        execute(command, None)
    program = PROGRAM % (BEFORE + place.text + AFTER, (name, place.token, command, path, place.life, slot.fileno()))
    if is_fed(child, program) and says_ready(child):
        return connected(name)
    child.end()
    # Another request may have been faster.
    interpreter = connected(name)
    if interpreter is None:
        keep_out(name, place, client, command)
    return interpreter


def is_fed(child, program):
    try:
        os.set_blocking(child.input, True)
        while program:
            program = program[os.write(child.input, program) :]
        os.close(child.input)
        return True
    except OSError:
        return False


def says_ready(child):
    """And nothing else: what an interpreter says when it starts, it would say for each module."""
    poller = select.poll()
    poller.register(child.output, select.POLLIN)
    poller.register(child.error, select.POLLIN)
    ready = poller.poll(PATIENCE * 1000)
    return [one for one, _ in ready] == [child.output] and os.read(child.output, CHUNK) == READY


def keep_out(name, place, client, command):
    """Nobody shall try again at once what does not come up; later it may, as the machine was slow, or a library is compiled now."""
    try:
        server = listening(name)
    except OSError:
        return
    if os.fork() == 0:
        client.close()
        end = time.monotonic() + UNUSED
        while True:
            asking = accepted(server, place.token, place.life, command, lambda: NONE, end)
            if asking is not None:
                asking.close()


def listening(name):
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(name)
    server.listen(128)
    return server


def accepted(server, token, life, command, answer, end):
    """Waits for a request, and gives its client; None when it is not for us. `life`, an answer of MADE_ROOM and the time `end` end us."""
    ready = select.select([server, life], [], [], max(0, end - time.monotonic()))[0]
    if not ready or life in ready:
        os._exit(0)
    asking, _ = server.accept()
    with asking:
        try:
            if not is_ours(asking):
                return None
            asking.settimeout(PATIENCE)
            data, rights, _, _ = asking.recvmsg(LONGEST_COMMAND + CHUNK, socket.CMSG_SPACE(4))
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=struct.unpack("i", rights[0][2])[0])
            given, _, asked = data.partition(b"\0")
            if given != token:
                return None
            said = answer() if asked == command else MADE_ROOM
            if said == MADE_ROOM:
                server.close()
            asking.send(said)
        except (OSError, IndexError):
            return None
    if said == MADE_ROOM:
        os._exit(0)
    return client


VERBS[b"module"] = module
