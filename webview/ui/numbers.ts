import { figuresIn } from '../../src/base/figures.ts';

/** Figures in the language of the page. */
export const { figure, whole, decimal, exact, ungrouped, percent, signed, range, moment } = figuresIn(
  document.documentElement.lang,
);

export function memory(bytes: number): string {
  return bytes < 1e9 ? `${whole(bytes / 1e6)} MB` : `${decimal(bytes / 1e9, 1)} GB`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${whole(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}
