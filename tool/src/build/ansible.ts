import type { Builder } from './builder.ts';
import { STEP_VERSIONS } from './versions.ts';

export const ansibleBuilder: Builder = { stepVersion: STEP_VERSIONS.ansible, build: async () => undefined };
