import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];
/** Styles text, or gives it back as it is where colours are off. */
export type Paint = (format: Format, text: string) => string;

/** Whether to colour: FORCE_COLOR, then NO_COLOR and TERM=dumb, then terminals and the CI systems that show colours. */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, isTTY: boolean): boolean {
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (env.NO_COLOR || env.NODE_DISABLE_COLORS || env.TERM === 'dumb') return false;
  return isTTY || env.GITHUB_ACTIONS === 'true' || env.GITLAB_CI === 'true';
}

export function createPaint(colour: boolean): Paint {
  // The choice was made above, from the environment that was given: styleText's own look at stdout is off.
  return colour ? (format, text) => styleText(format, text, { validateStream: false }) : (_format, text) => text;
}
