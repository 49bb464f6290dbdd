import { describe, expect, test } from 'vitest';
import { summaryLines } from '../../tool/src/report/summary.ts';
import type { LayerSummary, RunSummary } from '../../tool/src/run/events.ts';
import { recorded } from './recorded.ts';

function summaryOf(name: Parameters<typeof recorded>[0]): RunSummary {
  const last = recorded(name).at(-1);
  if (last?.type !== 'run-finished') throw new Error(`${name} has no end`);
  return last.summary;
}

const plain = { colour: false, root: '/tree' };

test('a run with a failure tells all that is needed to mend it', () => {
  expect(summaryLines(summaryOf('failing'), plain)).toMatchInlineSnapshot(`
    [
      "",
      "debian/base     built        1 min 03 s   224.1 MB  packages: + htop; files/motd changed",
      "debian/kernel   built            46.0 s   398.2 MB  parent debian/base rebuilt",
      "debian/compute  failed            9.0 s             parent debian/kernel rebuilt",
      "debian/login    published         1.0 s   231.4 MB  new tag 12.1",
      "",
      "debian/base",
      "  image      oci:images/debian-base:12  sha256:0f0f0f0f0f0f",
      "debian/kernel",
      "  image      oci:images/debian-kernel:12  sha256:1a2b3c4d1a2b",
      "  root       https://s3.example.org/boot-images/compute/debian-kernel-12  126.7 MB",
      "  kernel     https://s3.example.org/boot-images/efi-images/compute/debian-kernel-12/vmlinuz-6.1.0-30-cloud-amd64  9.7 MB",
      "  initramfs  https://s3.example.org/boot-images/efi-images/compute/debian-kernel-12/initramfs-6.1.0-30-cloud-amd64.img  31.2 MB",
      "debian/login",
      "  image      oci:images/debian-login:12  sha256:a1b2c3d4a1b2",
      "  image      oci:images/debian-login:12.1  sha256:a1b2c3d4a1b2",
      "",
      "warning debian/base: files/motd is 0600 on disk and 0644 in git: 0644 was used",
      "",
      "skipped debian/gpu: parent debian/compute failed",
      "",
      "✖ debian/compute failed after 9.0 s",
      "  ansible-playbook ended with exit code 2",
      "  command ansible-playbook -i inventory -l compute --extra-vars '***' playbooks/compute.yaml",
      "  │ TASK [users : groups] ****",
      "  │ fatal: [compute]: FAILED! => {"msg": "The task includes an option with an undefined variable. The error was: 'gid_base' is undefined"}",
      "  │ PLAY RECAP ****",
      "  │ compute : ok=7 changed=5 unreachable=0 failed=1",
      "  log /tree/.layers/runs/20260101-120000-4f1c/debian/compute.log",
      "  hint 'gid_base' is undefined: set it under options.vars, or in inventory/group_vars",
      "",
      "2 built, 1 published, 1 unchanged, 1 failed, 1 skipped in 1 min 58 s",
      "records trusted; --verify asks the destinations",
    ]
  `);
});

test('an interrupted run', () => {
  expect(summaryLines(summaryOf('interrupted'), plain)).toMatchInlineSnapshot(`
    [
      "",
      "el9/base   cancelled         4.2 s             never built",
      "el9/login  cancelled         4.3 s             cmds changed",
      "",
      "skipped el9/compute: interrupted",
      "",
      "cancelled el9/base: ended by SIGINT in step packages",
      "cancelled el9/login: ended by SIGINT in step cmds",
      "",
      "interrupted by SIGINT: 1 skipped, 2 cancelled in 4.3 s",
    ]
  `);
});

test('in 80 columns, the table is cut and what is pasted elsewhere is not', () => {
  const summary = summaryOf('failing');
  const long = { ...summary, layers: summary.layers.map((layer) => ({ ...layer, reasons: ['reason '.repeat(30)] })) };
  const lines = summaryLines(long, { ...plain, columns: 80 });
  const table = lines.slice(1, lines.indexOf('', 1));
  expect(table.every((line) => line.length <= 80)).toBe(true);
  expect(lines.some((line) => line.length > 80 && line.includes('vmlinuz-6.1.0-30-cloud-amd64'))).toBe(true);
});

describe('a null run', () => {
  test('that believed its records', () => {
    expect(summaryLines(summaryOf('null'), plain)).toEqual([
      'nothing to do: 3 layers up to date (0.2 s)',
      'records trusted; --verify asks the destinations',
    ]);
  });

  test('that asked the destinations', () => {
    expect(summaryLines({ ...summaryOf('null'), verified: true }, plain)).toEqual([
      'nothing to do: 3 layers up to date, destinations verified (0.2 s)',
    ]);
  });
});

test('a thousand layers, many of them failed or skipped, stay readable', () => {
  const layers = Array.from({ length: 1000 }, (_, index) => {
    const outcome =
      (['failed', 'skipped', 'skipped', 'skipped', 'skipped'] as const)[Math.floor(index / 100)] ?? 'built';
    return {
      id: `layer-${index}` as LayerSummary['id'],
      name: `layer-${index}`,
      outcome,
      durationMs: outcome === 'skipped' ? 0 : index,
      references: outcome === 'built' ? [{ kind: 'image', reference: `r/layer-${index}:1`, digest: 'sha256:00' }] : [],
      warnings: [],
      reasons: outcome === 'skipped' ? ['parent layer-0 failed'] : [],
      ...(outcome === 'failed' ? { failure: { code: 'command', message: 'sh ended with exit code 1' } } : {}),
    } satisfies LayerSummary as LayerSummary;
  });
  const lines = summaryLines({ runId: 'r', durationMs: 5000, layers, verified: true }, plain);
  expect(lines.length).toBeLessThan(300);
  expect(lines).toContain(
    'skipped layer-100, layer-101, layer-102, layer-103, layer-104 and 395 more: parent layer-0 failed',
  );
  expect(lines.at(-1)).toBe('500 built, 100 failed, 400 skipped in 5.0 s');
});

test("nothing of a child's reaches the terminal as a command", () => {
  const evil = '\x1b]0;owned\x07\x9b2J\u202e\r\nfake line';
  const layer: LayerSummary = {
    id: `a${evil}` as LayerSummary['id'],
    name: 'a',
    outcome: 'failed',
    durationMs: 1,
    references: [{ kind: 'image', reference: `r${evil}`, digest: `sha256:${evil}` }],
    failure: { code: 'command', message: evil, hint: evil, command: ['sh', evil], tail: [evil] },
    log: evil,
    warnings: [evil],
    reasons: [evil],
  };
  const lines = summaryLines({ runId: evil, durationMs: 1, layers: [layer], verified: true }, plain);
  expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('where to get a layer that failed is not told from an earlier run', () => {
  const summary = summaryOf('failing');
  const references = [{ kind: 'image', reference: 'r/old:1', digest: 'sha256:00' }] as const;
  const layers = summary.layers.map((layer) => (layer.outcome === 'failed' ? { ...layer, references } : layer));
  expect(summaryLines({ ...summary, layers }, plain).join('\n')).not.toContain('r/old:1');
});

test('what others built is one line, not a table', () => {
  const layers = Array.from({ length: 14 }, (_, index) => ({
    id: `layer-${index}` as LayerSummary['id'],
    name: `layer-${index}`,
    outcome: 'reused' as const,
    durationMs: 0,
    references: [],
    warnings: [],
    reasons: ['never built here'],
  }));
  const lines = summaryLines({ runId: 'r', durationMs: 5000, layers, verified: true }, plain);
  const names = Array.from({ length: 12 }, (_, index) => `layer-${index}`).join(', ');
  expect(lines).toEqual(['', `built elsewhere, nothing to do: ${names} and 2 layers more`, '', '14 reused in 5.0 s']);
});
