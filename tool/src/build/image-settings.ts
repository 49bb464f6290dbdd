import type { ImageConfig } from '../config/schema.ts';
import type { ImageSettings } from '../system/buildah.ts';

/**
 * The `config` of an image (OCI's names) from what its parent has and what the layer file says. As with a Dockerfile, an entry
 * point of its own takes away the arguments that were meant for the parent's. Pure.
 */
export function imageSettings(given: ImageConfig, inherited: ImageSettings): ImageSettings {
  const { entrypoint, cmd, env, user, workdir, volumes } = given;
  const settings: Record<string, unknown> = { ...inherited };
  if (entrypoint !== undefined) {
    setOrDelete(settings, 'Entrypoint', entrypoint);
    delete settings.Cmd;
  }
  if (cmd !== undefined) setOrDelete(settings, 'Cmd', cmd);
  if (env !== undefined) settings.Env = mergedEnv((inherited.Env ?? []) as string[], env);
  if (user !== undefined) settings.User = user;
  if (workdir !== undefined) settings.WorkingDir = workdir;
  if (volumes !== undefined) {
    const all = new Set([...Object.keys((inherited.Volumes ?? {}) as object), ...volumes]);
    settings.Volumes = Object.fromEntries([...all].sort().map((volume) => [volume, {}]));
  }
  return settings;
}

function setOrDelete(settings: Record<string, unknown>, key: string, words: readonly string[]): void {
  if (words.length > 0) settings[key] = words;
  else delete settings[key];
}

/** The parent's order, new names after it in order of their names: the order in a file decides nothing. */
function mergedEnv(inherited: readonly string[], env: Readonly<Record<string, string>>): string[] {
  const all = new Map(inherited.map((line) => [line.split('=', 1)[0] ?? '', line]));
  for (const name of Object.keys(env).sort()) all.set(name, `${name}=${env[name]}`);
  return [...all.values()];
}
