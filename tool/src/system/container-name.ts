/** What every container of a run begins with. */
function containerPrefix(runId: string): string {
  return `layers-${safeName(runId)}-`;
}

/** `layers-RUN-NUMBER-LAYER`; a run's number tells apart what one layer makes. */
export function containerName(runId: string, number: number, layer?: string): string {
  return `${containerPrefix(runId)}${number}${layer === undefined ? '' : `-${safeName(layer)}`}`;
}

/** Whether a container was made for this layer (any, when undefined) in this run. */
export function isContainerOf(name: string, runId: string, layer?: string): boolean {
  const prefix = containerPrefix(runId);
  if (!name.startsWith(prefix)) return false;
  return layer === undefined || name.slice(prefix.length).replace(/^\d+-/, '') === safeName(layer);
}

/** Whether a run gave a container this name, and did not keep it beyond its end. */
export function isOfARun(name: string): boolean {
  return name.startsWith('layers-') && hasRunId(name.slice('layers-'.length));
}

const KEPT = 'layers-failed-';

/** The name under which the working container of a failed layer stays when its run is over. */
export function keptContainerName(name: string): string {
  return name.replace(/^layers-/, KEPT);
}

/** Whether a name is a run's id, or begins with one. */
export function hasRunId(name: string): boolean {
  return /^\d{8}-\d{6}-[0-9a-f]{4}(-|$)/.test(name);
}

/** When the run was whose failed layer left this container, in milliseconds; undefined for any other container. */
export function keptContainerDate(name: string): number | undefined {
  const id = name.startsWith(KEPT) ? name.slice(KEPT.length) : '';
  const [, date, time] = hasRunId(id) ? (/^(\d{8})-(\d{6})/.exec(id) ?? []) : [];
  if (date === undefined || time === undefined) return undefined;
  const at = Date.parse(`${date.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** Names of containers are letters, digits, `_`, `.` and `-`. Two ids never give the same name. */
function safeName(text: string): string {
  return text
    .replaceAll(/[^a-zA-Z0-9/-]/g, (character) => `_${character.codePointAt(0)?.toString(16)}_`)
    .replaceAll('/', '.');
}
