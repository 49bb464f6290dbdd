type Environment = Readonly<Record<string, string | undefined>>;

/** The registries.conf that the environment names, as libimage reads it. */
export function registriesConfFile(env: Environment): string | undefined {
  return env.CONTAINERS_REGISTRIES_CONF ?? env.REGISTRIES_CONFIG_PATH;
}

/** What has to stand before a program's own words for it: buildah reads the variable, skopeo has a flag and no variable. */
export function registriesConfWords(program: string, env: Environment): readonly string[] {
  const file = registriesConfFile(env);
  return program === 'skopeo' && file !== undefined ? ['--registries-conf', file] : [];
}
