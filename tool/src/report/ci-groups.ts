import { plainText } from './plain-text.ts';

/** A layer's buffered output and where it came from. */
interface OutputGroup {
  readonly title: string;
  readonly lines: readonly string[];
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** How one CI system folds output and marks problems in files. */
export interface CiStyle {
  group(group: OutputGroup): string[];
  /** Lines that make the system show a message beside `file`; none where it has no such thing. */
  annotation(severity: 'error' | 'warning', file: string | undefined, title: string, message: string): string[];
}

/** The CI system that runs us, by its own variables. `token`: a word that no child can know. */
export function ciStyle(env: Readonly<Record<string, string | undefined>>, token: string): CiStyle | undefined {
  if (env.GITHUB_ACTIONS === 'true') return githubStyle(token);
  if (env.GITLAB_CI === 'true') return gitlabStyle();
  return undefined;
}

function githubStyle(token: string): CiStyle {
  return {
    // The runner obeys `::add-path::` and the like in whatever is printed: it is told to stop for the children's output.
    group: ({ title, lines }) => [
      `::group::${escapeData(title)}`,
      `::stop-commands::${token}`,
      ...lines,
      `::${token}::`,
      '::endgroup::',
    ],
    annotation(severity, file, title, message) {
      const properties = [
        ...(file === undefined ? [] : [`file=${escapeProperty(file)}`]),
        `title=${escapeProperty(title)}`,
      ];
      return [`::${severity} ${properties.join(',')}::${escapeData(message)}`];
    },
  };
}

function gitlabStyle(): CiStyle {
  let sections = 0;
  return {
    group({ title, lines, startedAt, endedAt }) {
      sections += 1;
      const name = `layers_${sections}`;
      const at = (ms: number) => Math.floor(ms / 1000);
      return [
        `\x1b[0Ksection_start:${at(startedAt)}:${name}[collapsed=true]\r\x1b[0K${plainText(title)}`,
        ...lines,
        `\x1b[0Ksection_end:${at(endedAt)}:${name}\r\x1b[0K`,
      ];
    },
    annotation: () => [],
  };
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
