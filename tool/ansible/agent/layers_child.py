"""Continues layers_agent.py, in one text with it: a command that runs for a request, and what goes to it and comes from it."""


def execute(command, who):
    try:
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


def attend(client, life, child):
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
    """A fork in a session of its own, with pipes for input, output and errors. It too comes back from here, with 0 as `pid`."""

    def __init__(self):
        theirs_input, self.input = os.pipe()
        self.output, theirs_output = os.pipe()
        self.error, theirs_error = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                for source, target in ((theirs_input, 0), (theirs_output, 1), (theirs_error, 2)):
                    os.dup2(source, target)
                for descriptor in (self.input, self.output, self.error):
                    os.close(descriptor)
            except OSError:
                os._exit(126)
        for descriptor in (theirs_input, theirs_output, theirs_error):
            os.close(descriptor)
        self.status = None
        if self.pid != 0:
            os.set_blocking(self.input, False)

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
