import { inject } from 'vitest';
import type { RegistryService } from '../services/registry.ts';
import type { S3Service } from '../services/s3.ts';

/** The run's registry, started when first asked for. */
export function registryService(): Promise<Omit<RegistryService, 'end'>> {
  return ask('/registry');
}

/** The run's S3 server, started when first asked for (20 s). */
export function s3Service(): Promise<Omit<S3Service, 'end'>> {
  return ask('/s3');
}

async function ask<T>(service: string): Promise<T> {
  const response = await fetch(inject('services') + service);
  const text = await response.text();
  if (!response.ok) throw new Error(`the test service ${service} did not start: ${text}`);
  return JSON.parse(text) as T;
}
