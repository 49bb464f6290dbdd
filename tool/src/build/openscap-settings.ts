import { posix } from 'node:path';
import type { Layer } from '../config/layer.ts';

/** What `openscap` says, its single-key maps put together; the last of two counts. */
export interface OpenscapSettings {
  readonly profile?: string | undefined;
  readonly benchmark_path?: string | undefined;
  readonly oval_url?: string | undefined;
  readonly results_path: string;
  readonly remediate_path: string;
  readonly oval_xml: string;
  readonly oval_path: string;
}

/** Where image-build puts what OpenSCAP says. */
const PATHS = {
  results_path: '/root/scan.xml',
  remediate_path: '/root/remediate.sh',
  oval_xml: '/root/oval.xml',
  oval_path: '/root/vulnerabilities.xml',
} as const;

/** Keys whose values are paths inside the image. */
export const OPENSCAP_PATHS = ['benchmark_path', ...(Object.keys(PATHS) as (keyof typeof PATHS)[])] as const;

export function openscapSettings({ openscap }: Layer): OpenscapSettings {
  return Object.assign({ ...PATHS }, ...openscap) as OpenscapSettings;
}

/** Files that say when they were written: absolute and without `..`, as the image's programs see them; none for most layers. */
export function openscapResults(layer: Layer): string[] {
  const { options } = layer;
  const { results_path, remediate_path, oval_path } = openscapSettings(layer);
  return [
    ...(options.scap_benchmark ? [results_path, remediate_path] : []),
    ...(options.oval_eval ? [oval_path] : []),
  ].map((file) => posix.join('/', file));
}
