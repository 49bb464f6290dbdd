import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// The tool behaves differently in CI by design (destinations are verified, output is grouped): a test that wants that
// sets it. What pnpm's and npm's scripts add does not belong to a user's shell either.
for (const name of Object.keys(process.env)) {
  if (/^(CI|GITHUB_ACTIONS|GITLAB_CI|NODE_PATH|npm_.*|LAYERS_.*)$/.test(name)) delete process.env[name];
}

const MINUTE = 60_000;

export default defineConfig({
  test: {
    allowOnly: false,
    pool: 'forks',
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', 'e2e/**'],
          // Vitest's default is one core less, and a group 0 with one worker runs last.
          maxWorkers: Math.max(2, availableParallelism()),
          // A busy machine is no failure; what hangs still ends.
          testTimeout: MINUTE / 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Real images: minutes each, every file with a container storage of its own. Two at a time, after the others: more only wait
        // for the same disk.
        extends: true,
        test: {
          name: 'real',
          include: ['e2e/**/*.test.ts'],
          maxWorkers: 2,
          globalSetup: ['./e2e/services.ts'],
          testTimeout: 10 * MINUTE,
          hookTimeout: 5 * MINUTE,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
