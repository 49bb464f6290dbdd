import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseTolerantly } from '../../tool/src/inputs/parse-yaml.ts';

/** The GitLab job as docs/ci.md has it. */
export interface GitLabJobs {
  readonly variables: Readonly<Record<string, string | number>>;
  readonly '.layers': { readonly before_script: readonly string[] };
  readonly plan: { readonly script: readonly string[] };
  readonly images: { readonly script: readonly string[] };
}

/** The GitHub workflow as docs/ci.md has it. */
export interface GitHubJobs {
  readonly jobs: {
    readonly images: { readonly env: Readonly<Record<string, string>>; readonly steps: readonly GitHubStep[] };
  };
}

interface GitHubStep {
  readonly if?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

/** Both jobs, read out of docs/ci.md. */
export function jobsOfDocument(): { readonly gitlab: GitLabJobs; readonly github: GitHubJobs } {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/ci.md'), 'utf8');
  const documents = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, body = '']) => {
    const [document] = parseTolerantly(body) as unknown[];
    return document;
  });
  const [gitlab, github] = documents as [GitLabJobs, GitHubJobs];
  return { gitlab, github };
}
