import axe, { type AxeResults } from 'axe-core';
import type { Frame } from 'playwright-core';

/** The rules that a view breaks seriously, each with the first place. */
export async function seriousViolations(view: Frame): Promise<string[]> {
  await view.evaluate(axe.source);
  const { violations } = await view.evaluate(
    async () =>
      (await (window as unknown as { axe: typeof import('axe-core') }).axe.run(document, {
        resultTypes: ['violations'],
      })) as AxeResults,
  );
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
