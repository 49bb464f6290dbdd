import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Writes a file of one user for docker-registry, which takes bcrypt only. */
export async function writeHtpasswd(file: string, user: string, password: string): Promise<void> {
  const script = `import crypt, sys
print(sys.argv[1] + ":" + crypt.crypt(sys.argv[2], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))`;
  const { stdout } = await promisify(execFile)('python3', ['-W', 'ignore', '-c', script, user, password]);
  await writeFile(file, stdout);
}
