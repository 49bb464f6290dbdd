import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseTolerantly } from '../../tool/src/inputs/parse-yaml.ts';

/** The GitLab job as docs/ci.md has it. */
export interface GitLabJobs {
  readonly variables: Variables;
  readonly '.layers': { readonly before_script: readonly string[] };
  readonly plan: GitLabJob;
  readonly images: GitLabJob;
}

type Variables = Readonly<Record<string, string | number>>;

interface GitLabJob {
  readonly variables: Variables;
  readonly script: readonly string[];
}

/** The GitHub workflow as docs/ci.md has it. */
export interface GitHubJobs {
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: { readonly plan: GitHubJob; readonly images: GitHubJob };
}

export interface GitHubJob {
  readonly if: string;
  readonly environment?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly GitHubStep[];
}

interface GitHubStep {
  readonly env?: Readonly<Record<string, string>>;
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
