import type { LogFormat } from '../format.ts';
import { runJson } from './run-json.ts';

/** Every format that can be read. */
export const formats: readonly LogFormat[] = [runJson];
