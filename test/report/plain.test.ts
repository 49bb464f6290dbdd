import { describe, expect, test } from 'vitest';
import { PlainReporter } from '../../tool/src/report/plain.ts';
import { manyLayers, recorded, report } from './recorded.ts';

const runLines = (text: string) => text.slice(0, text.indexOf('\n\n')).split('\n');

describe('plain lines', () => {
  test('a step a line, no output of children', async () => {
    expect(runLines(await report(recorded('failing'), {}))).toMatchInlineSnapshot(`
      [
        "run 20260101-120000-4f1c: 5 layers to do, 2 at a time",
        "[debian/base] build: packages: + htop",
        "[debian/base] packages …",
        "[debian/login] publish: new tag 12.1",
        "[debian/login] push …",
        "[debian/login] push took 1.0 s",
        "[debian/login] published in 1.0 s (231.4 MB)",
        "[debian/base] packages: unpacking 112/180 (47 s)",
        "[debian/base] packages took 53.3 s",
        "[debian/base] commit …",
        "[debian/base] commit took 9.5 s",
        "[debian/base] warning: files/motd is 0600 on disk and 0644 in git: 0644 was used",
        "[debian/base] built in 1 min 03 s (224.1 MB)",
        "[debian/kernel] build: parent debian/base rebuilt",
        "[debian/kernel] packages …",
        "[debian/kernel] packages took 41.8 s",
        "[debian/kernel] squashfs …",
        "[debian/kernel] squashfs took 4.1 s",
        "[debian/kernel] built in 46.0 s (398.2 MB)",
        "[debian/compute] build: parent debian/kernel rebuilt",
        "[debian/compute] playbook …",
        "[debian/compute] playbook took 9.0 s",
        "[debian/compute] failed in 9.0 s: ansible-playbook ended with exit code 2",
        "stopping: debian/compute failed; what runs is finished, nothing new starts (--keep-going goes on)",
        "[debian/gpu] skipped: parent debian/compute failed",
      ]
    `);
  });

  test('with debug, what the children print, without what a terminal obeys', async () => {
    const text = await report(recorded('failing'), { level: 'debug' });
    expect(text).toContain('[debian/base] Setting up libc6:amd64 (2.36-9+deb12u10) ...\n');
    expect(text).toContain('[debian/base] Setting up 日本語-fonts (20230101-1) ...\n');
    expect(text).not.toContain('\x1b');
  });

  test('with error, only failures and the summary', async () => {
    expect(runLines(await report(recorded('failing'), { level: 'error' }))).toEqual([
      '[debian/compute] failed in 9.0 s: ansible-playbook ended with exit code 2',
    ]);
  });

  test('playbooks that failed over the last container in a watch, as an error', async () => {
    const [started, layer] = recorded('failing');
    if (started === undefined || layer?.type !== 'layer-started') throw new Error('fixture');
    const failure = { code: 'build', message: 'TASK [say it] (site.yaml:4) failed: no' } as const;
    const failed = { at: layer.at, type: 'converge-failed', id: layer.id, durationMs: 4200, failure } as const;
    expect(await report([started, layer, failed], { level: 'error' })).toBe(
      '[debian/base] not converged after 4.2 s: TASK [say it] (site.yaml:4) failed: no; a clean build follows when idle\n',
    );
  });

  test('a null run is two lines', async () => {
    expect(await report(recorded('null'), {})).toMatchInlineSnapshot(`
      "nothing to do: 3 layers up to date (0.2 s)
      records trusted; --verify asks the destinations
      "
    `);
  });

  test('a step that takes long tells its progress now and then', async () => {
    const at = (seconds: number) => 1_767_268_800_000 + seconds * 1000;
    const [started, layer, step] = recorded('failing');
    const id = layer?.type === 'layer-started' ? layer.id : undefined;
    if (started === undefined || layer === undefined || step === undefined || id === undefined)
      throw new Error('fixture');
    const progress = (seconds: number, done: number) =>
      ({ at: at(seconds), type: 'progress', id, text: 'TASK [chrony : install]', done, total: 23 }) as const;
    const text = await report(
      [started, layer, step, progress(1, 2), progress(31, 5), progress(40, 6), progress(62, 7)],
      {},
    );
    expect(text.split('\n').slice(3)).toEqual([
      '[debian/base] packages: TASK [chrony : install] 5/23 (31 s)',
      '[debian/base] packages: TASK [chrony : install] 7/23 (1 min 02 s)',
      '',
    ]);
  });

  test('colours by FORCE_COLOR, none by NO_COLOR', async () => {
    expect(await report(recorded('failing'), { env: { FORCE_COLOR: '1' } })).toContain('\x1b[36m[debian/base]\x1b[39m');
    const env = { NO_COLOR: '1', GITLAB_CI: 'true' };
    expect(await report(recorded('null'), { env })).not.toContain('\x1b');
  });
});

describe('on GitHub', () => {
  const env = { CI: 'true', GITHUB_ACTIONS: 'true', NO_COLOR: '1' };

  test('output is one group a layer, problems are annotations of the layer file', async () => {
    const text = await report(recorded('failing'), { env, isTTY: true });
    const token = /::stop-commands::([\w-]{36})\n/.exec(text)?.[1] ?? '';
    expect(runLines(text.replaceAll(token, 'TOKEN'))).toMatchInlineSnapshot(`
      [
        "run 20260101-120000-4f1c: 5 layers to do, 2 at a time",
        "[debian/base] build: packages: + htop",
        "[debian/base] packages …",
        "[debian/login] publish: new tag 12.1",
        "[debian/login] push …",
        "[debian/login] push took 1.0 s",
        "::group::debian/login: published in 1.0 s (231.4 MB)",
        "::stop-commands::TOKEN",
        "── push",
        "Copying blob sha256:5f70bf18a086",
        "::TOKEN::",
        "::endgroup::",
        "[debian/login] published in 1.0 s (231.4 MB)",
        "[debian/base] packages: unpacking 112/180 (47 s)",
        "[debian/base] packages took 53.3 s",
        "[debian/base] commit …",
        "[debian/base] commit took 9.5 s",
        "[debian/base] warning: files/motd is 0600 on disk and 0644 in git: 0644 was used",
        "::warning file=layers/debian/base.yaml,title=debian/base::files/motd is 0600 on disk and 0644 in git: 0644 was used",
        "::group::debian/base: built in 1 min 03 s (224.1 MB)",
        "::stop-commands::TOKEN",
        "── packages",
        "I: automatically chosen mode: root",
        "I: running apt-get update...",
        "done",
        "Get:1 http://mirror.example/debian bookworm InRelease [151 kB]",
        "Setting up libc6:amd64 (2.36-9+deb12u10) ...",
        "Setting up 日本語-fonts (20230101-1) ...",
        "── commit",
        "::TOKEN::",
        "::endgroup::",
        "[debian/base] built in 1 min 03 s (224.1 MB)",
        "[debian/kernel] build: parent debian/base rebuilt",
        "[debian/kernel] packages …",
        "[debian/kernel] packages took 41.8 s",
        "[debian/kernel] squashfs …",
        "[debian/kernel] squashfs took 4.1 s",
        "::group::debian/kernel: built in 46.0 s (398.2 MB)",
        "::stop-commands::TOKEN",
        "── packages",
        "update-initramfs: Generating /boot/initrd.img-6.1.0-30-cloud-amd64",
        "── squashfs",
        "::TOKEN::",
        "::endgroup::",
        "[debian/kernel] built in 46.0 s (398.2 MB)",
        "[debian/compute] build: parent debian/kernel rebuilt",
        "[debian/compute] playbook …",
        "[debian/compute] playbook took 9.0 s",
        "::group::debian/compute: failed in 9.0 s: ansible-playbook ended with exit code 2",
        "::stop-commands::TOKEN",
        "── playbook",
        "changed: [compute]",
        "fatal: [compute]: FAILED! => {"msg": "The task includes an option with an undefined variable. The error was: 'gid_base' is undefined"}",
        "::TOKEN::",
        "::endgroup::",
        "[debian/compute] failed in 9.0 s: ansible-playbook ended with exit code 2",
        "::error file=layers/debian/compute.yaml,title=debian/compute::ansible-playbook ended with exit code 2",
        "stopping: debian/compute failed; what runs is finished, nothing new starts (--keep-going goes on)",
        "[debian/gpu] skipped: parent debian/compute failed",
      ]
    `);
  });

  test("a child's line is no command to the runner", async () => {
    const events = recorded('failing').map((event) =>
      event.type === 'output' ? { ...event, line: '::add-path::/tmp/evil' } : event,
    );
    const lines = (await report(events, { env })).split('\n');
    for (const [index, line] of lines.entries()) {
      if (!line.startsWith('::add-path')) continue;
      const before = lines.slice(0, index);
      const stop = before.findLastIndex((other) => other.startsWith('::stop-commands::'));
      const token = lines[stop]?.slice('::stop-commands::'.length);
      expect(stop).toBeGreaterThan(-1);
      expect(before.slice(stop)).not.toContain(`::${token}::`);
    }
  });
});

test('on GitLab, output is one section a layer with its times', async () => {
  const env = { CI: 'true', GITLAB_CI: 'true', NO_COLOR: '1' };
  const text = await report(recorded('failing'), { env });
  expect(
    runLines(text)
      .filter((line) => line.includes('section_'))
      .map((line) => JSON.stringify(line)),
  ).toMatchInlineSnapshot(`
    [
      ""\\u001b[0Ksection_start:1767268801:layers_1[collapsed=true]\\r\\u001b[0Kdebian/login: published in 1.0 s (231.4 MB)"",
      ""\\u001b[0Ksection_end:1767268802:layers_1\\r\\u001b[0K"",
      ""\\u001b[0Ksection_start:1767268800:layers_2[collapsed=true]\\r\\u001b[0Kdebian/base: built in 1 min 03 s (224.1 MB)"",
      ""\\u001b[0Ksection_end:1767268862:layers_2\\r\\u001b[0K"",
      ""\\u001b[0Ksection_start:1767268862:layers_3[collapsed=true]\\r\\u001b[0Kdebian/kernel: built in 46.0 s (398.2 MB)"",
      ""\\u001b[0Ksection_end:1767268908:layers_3\\r\\u001b[0K"",
      ""\\u001b[0Ksection_start:1767268908:layers_4[collapsed=true]\\r\\u001b[0Kdebian/compute: failed in 9.0 s: ansible-playbook ended with exit code 2"",
      ""\\u001b[0Ksection_end:1767268917:layers_4\\r\\u001b[0K"",
    ]
  `);
});

function buffering(): { reporter: PlainReporter; written: string[] } {
  const written: string[] = [];
  const reporter = new PlainReporter({
    output: { write: (lines) => void written.push(...lines), flush: async () => {} },
    paint: (_format, text) => text,
    colour: false,
    root: '/tree',
    columns: undefined,
    level: 'info',
    ci: { group: ({ lines }) => [`${lines.length} lines`, lines[0] ?? ''], annotation: () => [] },
  });
  return { reporter, written };
}

test('of a layer that prints a lot, a group shows the last lines and says where the rest is', () => {
  const { reporter, written } = buffering();
  for (const event of manyLayers(2, 3000, 2)) reporter.event(event);
  expect(written).toContain('2001 lines');
  expect(written).toContain('… 1,000 earlier lines in the log');
});

test('a thousand layers are kept in bounded memory', () => {
  const { reporter, written } = buffering();
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  let events = 0;
  for (const event of manyLayers(1000, 500)) {
    reporter.event(event);
    if (++events % 50_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed - before);
  }
  expect(events).toBeGreaterThan(500_000);
  expect(most).toBeLessThan(100e6);
  expect(written.filter((line) => line === '500 lines')).toHaveLength(1000);
});
