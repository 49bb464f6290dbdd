import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { imageLayers } from '../../tool/src/publish/image-layers.ts';
import { compareKernelVersions } from '../../tool/src/publish/kernel-version.ts';
import { chooseKernel, type FoundKernel, findKernels } from '../../tool/src/publish/kernels.ts';

describe('the order of versions', () => {
  test.each([
    ['6.1.0-9-amd64', '6.1.0-18-amd64'],
    ['5.14.0-427.el9.x86_64', '5.14.0-427.13.1.el9_4.x86_64'],
    ['5.14.0-427.13.1.el9_4.x86_64', '5.14.0-503.11.1.el9_5.x86_64'],
    ['6.9.0-rc7', '6.9.0'],
    ['6.9~rc1-1-amd64', '6.9-1-amd64'],
    ['6.4.0-150600.21-default', '6.4.0-150600.23.7-default'],
    ['5.9.0', '5.10.0'],
  ])('%s is older than %s', (older, newer) => {
    expect(compareKernelVersions(older, newer)).toBeLessThan(0);
    expect(compareKernelVersions(newer, older)).toBeGreaterThan(0);
  });

  test('it is a total order', () => {
    const part = fc.constantFrom('1', '02', '10', 'rc', 'el', 'amd', '~', '-', '.', '+', '99999999999999999999');
    const version = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareKernelVersions(a, a)).toBe(0);
        expect(Math.sign(compareKernelVersions(a, b)) + Math.sign(compareKernelVersions(b, a))).toBe(0);
        if (compareKernelVersions(a, b) <= 0 && compareKernelVersions(b, c) <= 0) {
          expect(compareKernelVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });
});

describe('what is found in a root', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'layers-kernels-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const put = async (inside: string, content = 'x') => {
    await mkdir(path.dirname(path.join(root, inside)), { recursive: true });
    await writeFile(path.join(root, inside), content);
  };

  test('every family’s names, newest first', async () => {
    await put('boot/vmlinuz-5.14.0-1.el9.x86_64');
    await put('boot/initramfs-5.14.0-1.el9.x86_64.img');
    await put('boot/vmlinuz-6.1.0-18-amd64');
    await put('boot/initrd.img-6.1.0-18-amd64');
    await put('boot/vmlinuz-6.4.0-default');
    await put('boot/initrd-6.4.0-default');
    await put('lib/modules/6.9.1-200.fc40.x86_64/vmlinuz');
    await put('lib/modules/6.9.1-200.fc40.x86_64/initrd');
    await put('lib/modules/6.99/modules.dep');
    await put('boot/vmlinuz-0-rescue-abc');
    await put('boot/initramfs-0-rescue-abc.img');
    await put('boot/initramfs-6.4.0-defaultkdump.img');
    const found = await findKernels(root);
    expect(found.map(({ version, initramfsName }) => [version, initramfsName])).toEqual([
      ['6.9.1-200.fc40.x86_64', 'initramfs-6.9.1-200.fc40.x86_64.img'],
      ['6.4.0-default', 'initrd-6.4.0-default'],
      ['6.1.0-18-amd64', 'initrd-6.1.0-18-amd64'],
      ['5.14.0-1.el9.x86_64', 'initramfs-5.14.0-1.el9.x86_64.img'],
    ]);
  });

  test('absolute links stay within the image; what points at the host only is not there', async () => {
    await put('usr/lib/modules/6.1/vmlinuz', 'the image’s own');
    await symlink('/usr/lib', path.join(root, 'lib'));
    await mkdir(path.join(root, 'boot'));
    await symlink('/lib/modules/6.1/vmlinuz', path.join(root, 'boot/vmlinuz-6.1'));
    await symlink('/etc/hostname', path.join(root, 'boot/initrd.img-6.1'));
    const [found] = await findKernels(root);
    expect(found?.kernel).toBe(path.join(root, 'usr/lib/modules/6.1/vmlinuz'));
    expect(found?.initramfs).toBeUndefined();
  });

  test('an initramfs older than the modules is noticed', async () => {
    await put('boot/vmlinuz-6.1');
    await put('boot/initrd.img-6.1');
    await put('lib/modules/6.1/modules.dep');
    await utimes(path.join(root, 'boot/initrd.img-6.1'), 1_000, 1_000);
    await utimes(path.join(root, 'lib/modules/6.1/modules.dep'), 2_000, 2_000);
    expect((await findKernels(root))[0]?.modulesAreNewer).toBe(true);
    await utimes(path.join(root, 'lib/modules/6.1/modules.dep'), 1_000, 1_000);
    expect((await findKernels(root))[0]?.modulesAreNewer).toBe(false);
  });
});

describe('modules and the layers of an image', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'layers-modules-'));
    // As container storage has it; what a kernel would merge is written out by `see`.
    await put('overlay/C/lower', 'l/TOP:l/BASE');
    for (const name of ['TOP', 'BASE']) {
      await mkdir(path.join(folder, `overlay/${name}/diff`), { recursive: true });
      await mkdir(path.join(folder, 'overlay/l'), { recursive: true });
      await symlink(`../${name}/diff`, path.join(folder, `overlay/l/${name}`));
    }
    await mkdir(path.join(folder, 'overlay/C/diff'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const put = async (inside: string, content = 'x') => {
    const file = path.join(folder, inside);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    // The tool's own clamping gives everything one date.
    await utimes(file, 1_000, 1_000);
  };
  const add = async (layer: 'TOP' | 'BASE', inside: string) => {
    await put(`overlay/${layer}/diff/${inside}`);
    await put(`overlay/C/merged/${inside}`);
  };
  const look = async () => {
    const root = path.join(folder, 'overlay/C/merged');
    return (await findKernels(root, await imageLayers(root)))[0];
  };
  const kernelIn = async (layer: 'TOP' | 'BASE') => {
    for (const name of ['boot/vmlinuz-6.1', 'boot/initramfs-6.1.img', 'lib/modules/6.1/modules.dep'])
      await add(layer, name);
    await add(layer, 'lib/modules/6.1/kernel/fs/ext4.ko.xz');
  };

  test('a child that adds modules and no initramfs is noticed although all have one date', async () => {
    await kernelIn('BASE');
    expect(await look()).toMatchObject({ modulesAreNewer: false, addedModules: [] });
    await add('TOP', 'lib/modules/6.1/extra/lustre.ko.xz');
    expect(await look()).toMatchObject({ modulesAreNewer: true, addedModules: ['lustre.ko'] });
    await add('TOP', 'boot/initramfs-6.1.img');
    expect((await look())?.modulesAreNewer).toBe(false);
  });

  test('a child that only ran depmod is noticed; modules of another kernel, and other files, are not', async () => {
    await kernelIn('BASE');
    await add('TOP', 'lib/modules/6.0/extra/lustre.ko');
    await add('TOP', 'lib/modules/6.1/notes');
    expect((await look())?.modulesAreNewer).toBe(false);
    await add('TOP', 'lib/modules/6.1/modules.dep');
    expect((await look())?.modulesAreNewer).toBe(true);
  });

  test('links of weak-updates are modules that the kernel has', async () => {
    await kernelIn('BASE');
    await mkdir(path.join(folder, 'overlay/C/merged/lib/modules/6.1/weak-updates'));
    await symlink(
      '/lib/modules/6.0/extra/a.ko',
      path.join(folder, 'overlay/C/merged/lib/modules/6.1/weak-updates/a.ko'),
    );
    expect((await look())?.addedModules).toEqual(['a.ko']);
  });
});

describe('which is chosen', () => {
  const kernel = (version: string, more: Partial<FoundKernel> = {}): FoundKernel => {
    return {
      version,
      kernel: `/k/${version}`,
      initramfs: '/i',
      initramfsName: 'initramfs',
      modulesAreNewer: false,
      addedModules: [],
      ...more,
    };
  };
  const bare = (version: string): FoundKernel => {
    return { version, kernel: `/k/${version}`, modulesAreNewer: false, addedModules: [] };
  };

  test('the newest that has an initramfs of its own; a newer one without is a warning', () => {
    const { kernel: chosen, warnings } = chooseKernel([bare('6.9'), kernel('6.8'), bare('6.7')], 'newest');
    expect(chosen.version).toBe('6.8');
    expect(warnings).toEqual([
      "kernel 6.9 is newer but has no initramfs; publishing 6.8. Make one: dracut --force --no-hostonly --kver 6.9 /boot/initramfs-6.9.img; or write boot_kernel: '6.8' if that is meant",
    ]);
  });

  test('a plain kernel before its variants, which can be named', () => {
    const found = [kernel('6.9.x86_64+debug'), kernel('6.9.x86_64'), kernel('6.9.x86_64+64k')];
    expect(chooseKernel(found, 'newest').kernel.version).toBe('6.9.x86_64');
    expect(chooseKernel(found, '6.9.x86_64+debug').kernel.version).toBe('6.9.x86_64+debug');
    expect(chooseKernel(found, '*+64k').kernel.version).toBe('6.9.x86_64+64k');
    expect(chooseKernel([kernel('6.9+debug')], 'newest').kernel.version).toBe('6.9+debug');
  });

  test('the newest of a glob', () => {
    const found = [kernel('6.9-cloud'), kernel('6.1-18-amd64'), kernel('6.1-9-amd64')];
    expect(chooseKernel(found, '6.1-*').kernel.version).toBe('6.1-18-amd64');
  });

  test('modules newer than the initramfs: a warning with the remedy', () => {
    expect(chooseKernel([kernel('6.1', { modulesAreNewer: true })], 'newest').warnings[0]).toMatch(/newer.*dracut/);
  });

  test('modules newer than the initramfs of a kernel that is not chosen are nobody’s concern', () => {
    const found = [kernel('6.9'), kernel('6.8', { modulesAreNewer: true })];
    expect(chooseKernel(found, 'newest').warnings).toEqual([]);
    expect(chooseKernel(found, '6.8').warnings).toHaveLength(1);
  });

  test('modules added for one kernel only: a warning that names them and the choice; none for what is chosen by name', () => {
    const found = [kernel('6.9'), kernel('6.8', { addedModules: ['lnet.ko', 'lustre.ko', 'mdc.ko', 'osc.ko'] })];
    expect(chooseKernel(found, 'newest').warnings).toEqual([
      "only kernel 6.8 has lnet.ko, lustre.ko, mdc.ko and 1 more; publishing 6.9. Add them for that one too, or write boot_kernel: '6.8'",
    ]);
    for (const wanted of ['6.8', '6.9']) expect(chooseKernel(found, wanted).warnings).toEqual([]);
    const both = [kernel('6.9', { addedModules: ['lustre.ko'] }), kernel('6.8', { addedModules: ['lustre.ko'] })];
    expect(chooseKernel(both, 'newest').warnings).toEqual([]);
  });

  test('an exact version of which a glob would take more, and one with a plus in it', () => {
    const found = [kernel('6.9.1+debug'), kernel('6.9.1'), kernel('6.9.1+64k-debug')];
    expect(chooseKernel(found, '6.9.1').kernel.version).toBe('6.9.1');
    expect(chooseKernel(found, '6.9.1+debug').kernel.version).toBe('6.9.1+debug');
    expect(chooseKernel(found, '6.9.1+64k*').kernel.version).toBe('6.9.1+64k-debug');
    expect(chooseKernel(found, '*').kernel.version).toBe('6.9.1');
  });

  test('a variant without initramfs is not missed where a plain kernel boots', () => {
    expect(chooseKernel([bare('6.9+debug'), kernel('6.8')], 'newest').warnings).toEqual([]);
  });

  test('none: each case says what to do', () => {
    expect(() => chooseKernel([], 'newest')).toThrow(/no kernel/);
    expect(() => chooseKernel([bare('6.9')], 'newest')).toThrow(
      expect.objectContaining({
        message: 'no initramfs in the image for kernel 6.9',
        hint: 'Make one in the layer, with cmds: dracut --force --no-hostonly --kver 6.9 /boot/initramfs-6.9.img',
      }),
    );
    expect(() => chooseKernel([bare('6.9-9-amd64')], 'newest')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('update-initramfs -c -k 6.9-9-amd64') }),
    );
    expect(() => chooseKernel([bare('6.9'), kernel('6.8')], '6.9')).toThrow(
      expect.objectContaining({
        message: 'no initramfs in the image for kernel 6.9 (boot_kernel: 6.9)',
        hint: expect.stringMatching(/The image has: 6\.9 \(no initramfs\), 6\.8\.$/),
      }),
    );
    expect(() => chooseKernel([kernel('6.9')], '5.*')).toThrow(expect.objectContaining({ hint: 'It has: 6.9.' }));
  });
});
