import { hash } from 'node:crypto';
import type { Layer } from '../config/layer.ts';
import { variablesThatCount } from './ansible-machine.ts';

/** Variables that reach what a layer runs and change what it makes: name → `sha256:…` of the value. One that is not set is absent. */
export function environmentOf(
  { options }: Layer,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const own = options.environment.filter((name) => env[name] !== undefined);
  const names = options.layer_type === 'ansible' ? [...variablesThatCount(env), ...own] : own;
  return Object.fromEntries(
    [...new Set(names)].sort().map((name) => [name, `sha256:${hash('sha256', env[name] ?? '')}`]),
  );
}

/** The variables that `options.environment` names and that are set: what children of this layer get beside the usual ones. */
export function chosenEnvironment(
  { options }: Layer,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const set = options.environment.map((name) => [name, env[name]] as const);
  return Object.fromEntries(set.filter((pair): pair is readonly [string, string] => pair[1] !== undefined));
}
