import type { CommandEntry } from './catalogue.ts';
import type { CommandRun } from './command.ts';

/** What is the machine's to mend and no mistake of ours is told as that, whichever command meets it. */
export function telling({ load, ...entry }: CommandEntry): CommandEntry {
  const run: CommandRun = async (context) => {
    const command = await load();
    try {
      return await command.run(context);
    } catch (error) {
      const { tellFailure } = await import('./tell-failure.ts');
      return tellFailure(error, context);
    }
  };
  return { ...entry, load: async () => ({ run }) };
}
