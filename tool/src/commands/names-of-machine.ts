import { InvalidInput } from '../config/diagnostic.ts';
import { loadRegistriesConf } from '../system/registry/registries-conf.ts';

/**
 * Repositories (`HOST[:PORT]/PATH`) that this machine's registries.conf reads from elsewhere, and from where, in order. Throws InvalidInput
 * where one of its files cannot be read.
 */
export async function readFromElsewhere(
  repositories: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Map<string, readonly string[]>> {
  const conf = await loadRegistriesConf(env).catch((error: unknown) => {
    throw new InvalidInput(error instanceof Error ? error.message : String(error), { cause: error });
  });
  const found = repositories.map((repository) => {
    const places = conf.readsFrom(repository, 'tag').map((place) => place.repository);
    return [repository, places.filter((place) => place !== repository)] as const;
  });
  return new Map(found.filter(([, places]) => places.length > 0));
}
