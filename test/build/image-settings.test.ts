import { expect, test } from 'vitest';
import { imageSettings } from '../../tool/src/build/image-settings.ts';

const PARENT = {
  Entrypoint: ['/init'],
  Cmd: ['serve'],
  Env: ['PATH=/bin', 'LANG=C', 'EMPTY='],
  User: 'root',
  Volumes: { '/data': {} },
  Labels: { a: 'b' },
};

test('what is not given stays as the parent has it', () => {
  expect(imageSettings({}, PARENT)).toEqual(PARENT);
});

test('an entry point takes the arguments of the parent away, unless it comes with its own', () => {
  expect(imageSettings({ entrypoint: ['/x', 'a b'] }, PARENT)).not.toHaveProperty('Cmd');
  expect(imageSettings({ entrypoint: ['/x'], cmd: ['y'] }, PARENT)).toMatchObject({ Entrypoint: ['/x'], Cmd: ['y'] });
  expect(imageSettings({ cmd: [] }, PARENT)).not.toHaveProperty('Cmd');
  expect(imageSettings({ entrypoint: [] }, PARENT)).not.toHaveProperty('Entrypoint');
});

test('variables and volumes come to those of the parent, whatever their order in the file', () => {
  const env = ['PATH=/bin', 'LANG=C.UTF-8', 'EMPTY=', 'A=b=c', 'Z='];
  expect(imageSettings({ env: { Z: '', LANG: 'C.UTF-8', A: 'b=c' } }, PARENT).Env).toEqual(env);
  const volumes = Object.keys(imageSettings({ volumes: ['/z', '/a', '/data'] }, PARENT).Volumes as object);
  expect(volumes).toEqual(['/a', '/data', '/z']);
  expect(imageSettings({ user: 'me:1', workdir: '/home/me' }, {})).toEqual({ User: 'me:1', WorkingDir: '/home/me' });
});
