import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Says what it is told, and that it took it, as an interpreter would. It ends with its input, whatever becomes of the test. */
const LISTEN = `
import select, socket, sys
servers = []
for name in sys.argv[2:]:
    server = socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[1]))
    server.bind(b"\\0" + name.encode())
    server.listen(5)
    servers.append(server)
print("listening", flush=True)
held = []
while True:
    for server in select.select([0] + servers, [], [])[0]:
        if server == 0:
            sys.exit()
        client, _ = server.accept()
        held.append(client)
        data = client.recv(1 << 18)
        if data:
            print("told", len(data), flush=True)
            client.sendall(b"+")
`;

/** Another user of this machine who listens on these names of the abstract namespace. `end` gives what that one was told. */
export async function listenAsNobody(kind: 'SOCK_STREAM' | 'SOCK_SEQPACKET', names: readonly string[]) {
  const argv = ['--reuid=65534', '--clear-groups', '/usr/bin/python3', '-c', LISTEN, kind, ...names];
  const child = spawn('setpriv', argv, { stdio: ['pipe', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child.stdout, 'data');
  return {
    async end(): Promise<string> {
      child.kill('SIGKILL');
      await once(child, 'close');
      return said.replace('listening\n', '');
    },
  };
}
