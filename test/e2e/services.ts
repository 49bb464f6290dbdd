import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startRegistry } from '../services/registry.ts';
import { startS3 } from '../services/s3.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL that answers `/registry` and `/s3` with what the service's start gave. */
    readonly services: string;
  }
}

interface Service {
  end(): Promise<void>;
}

const PREFIX = 'layers-services-';

/** Folders of runs that were killed; their servers ended with them. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(path.join(os.tmpdir(), name), { recursive: true });
  }
}

/**
 * Servers for the real tests, started when a test first asks for one and shared by all test files of the run. They are children of
 * this process, which outlives every test file, and end with it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers();
  const folder = await mkdtemp(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
  const starts = {
    '/registry': () => startRegistry(path.join(folder, 'registry')),
    '/s3': () => startS3(path.join(folder, 's3')),
  };
  const started = new Map<string, Promise<Service>>();
  const server = createServer((request, response) => {
    const name = request.url as keyof typeof starts;
    const service = started.get(name) ?? starts[name]();
    started.set(name, service);
    service.then(
      (facts) => response.end(JSON.stringify(facts)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('services', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    for (const service of started.values()) await service.then((one) => one.end()).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  };
}
