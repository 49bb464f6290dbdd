import { type Git, GitProblem } from './git.ts';

/** What a work tree is compared with. */
export interface GitBase {
  /** As it was named, or found. */
  readonly ref: string;
  /** The merge base of `ref` and HEAD. */
  readonly commit: string;
}

/** Where the default branch is looked for, in this order. */
const DEFAULT_BRANCHES = ['origin/HEAD', 'origin/main', 'origin/master', 'main', 'master'] as const;

/**
 * The commit where HEAD left `ref`, or the default branch where none is named.
 * @param branch name of the default branch for the hint, where the CI system tells it
 * @throws GitProblem for an unborn branch, an unknown ref, and a clone that is too shallow to tell: with the `git fetch` to run
 */
export async function findBase(git: Git, ref: string | undefined, branch = 'main'): Promise<GitBase> {
  const head = await git.commit('HEAD');
  if (head === undefined) {
    throw new GitProblem('this branch has no commit yet, so there is nothing to compare with', {
      hint: 'make a first commit',
    });
  }
  const found = ref === undefined ? await defaultBranch(git) : await named(git, ref);
  if (found === undefined) throw await unknown(git, ref, branch);
  const text = await git.run(['merge-base', found.commit, head], { accept: [0, 1] });
  const commit = text.trim();
  if (commit !== '') return { ref: found.ref, commit };
  if (await git.isShallow()) throw tooShallow(`where HEAD left ${found.ref} is not known`, fetchOf(found.ref, branch));
  throw new GitProblem(`${found.ref} and HEAD have no commit in common`, {
    hint: 'name a branch or commit that HEAD comes from',
  });
}

async function named(git: Git, ref: string): Promise<GitBase | undefined> {
  // A branch that a CI job names is often only there as the remote's.
  for (const one of [ref, `origin/${ref}`]) {
    const commit = await git.commit(one);
    if (commit !== undefined) return { ref: one, commit };
  }
  return undefined;
}

async function defaultBranch(git: Git): Promise<GitBase | undefined> {
  for (const ref of DEFAULT_BRANCHES) {
    const commit = await git.commit(ref);
    if (commit !== undefined) return { ref, commit };
  }
  return undefined;
}

async function unknown(git: Git, ref: string | undefined, branch: string): Promise<GitProblem> {
  const what = ref === undefined ? 'the default branch is not in this clone' : `git knows no '${ref}' here`;
  const fetch = fetchOf(ref ?? `origin/${branch}`, branch);
  if (await git.isShallow()) return tooShallow(what, fetch);
  const isCommit = ref !== undefined && /^[0-9a-f]{7,64}$/.test(ref);
  const other = ref === undefined ? 'or name what to compare with: --affected REF' : 'or check the spelling';
  const hint = `run 'git fetch origin${isCommit ? '' : ` ${refspec(ref ?? branch, branch)}`}', ${other}`;
  return new GitProblem(what, { hint });
}

function tooShallow(what: string, fetch: string): GitProblem {
  return new GitProblem(`${what}: this is a shallow clone`, {
    hint: `run '${fetch}', or have CI fetch the whole history: GitLab 'GIT_DEPTH: 0', GitHub 'fetch-depth: 0' of actions/checkout`,
  });
}

function fetchOf(ref: string, branch: string): string {
  const isBranch = !/^[0-9a-f]{7,64}$|[~^@]/.test(ref);
  return `git fetch --unshallow origin${isBranch ? ` ${refspec(ref, branch)}` : ''}`;
}

function refspec(ref: string, branch: string): string {
  const short = ref === 'origin/HEAD' ? branch : ref.replace(/^(refs\/remotes\/)?origin\/|^refs\/heads\//, '');
  return `+refs/heads/${short}:refs/remotes/origin/${short}`;
}
