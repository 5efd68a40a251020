import * as vscode from 'vscode';
import { runFolder } from '../jobs/runs.ts';
import { readConfig } from '../workspace/config.ts';
import { workspacePaths } from '../workspace/paths.ts';

/**
 * Keys of model endpoints. They lie in the editor's secret storage alone, one for each origin, and reach a process by its
 * environment: no setting, log, argument or file holds them.
 */
export class ApiKeys {
  readonly #secrets: vscode.SecretStorage;

  constructor(secrets: vscode.SecretStorage) {
    this.#secrets = secrets;
  }

  /** @param url base URL of the endpoint */
  async environment(url: string): Promise<Readonly<Record<string, string>>> {
    const key = await this.#secrets.get(nameOf(url));
    return key === undefined ? {} : { LRAT_API_KEY: key };
  }

  /** For a judging as it is asked for: at its own endpoint, else that of the run that goes on, else the usual one. */
  async ofJudging(
    workspace: string,
    { url, resume }: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, string>>> {
    const record = typeof resume === 'string' ? runFolder(workspace, resume).read() : undefined;
    const before = record !== undefined && 'request' in record ? record.request.url : undefined;
    const asked = url ?? before ?? readConfig(workspacePaths(workspace)).judge.url;
    return typeof asked === 'string' ? this.environment(asked) : {};
  }

  async set(url: string, key: string): Promise<void> {
    await this.#secrets.store(nameOf(url), key);
  }

  async clear(url: string): Promise<void> {
    await this.#secrets.delete(nameOf(url));
  }
}

function nameOf(url: string): string {
  return `lrat.apiKey ${new URL(url).origin}`;
}

/** What is wrong with the URL of an endpoint, or null. */
export function urlProblem(url: string): string | null {
  try {
    const { protocol } = new URL(url);
    if (protocol === 'https:' || protocol === 'http:') return null;
  } catch {
    // No URL at all.
  }
  return vscode.l10n.t('Give the base URL of an endpoint, such as https://host/v1.');
}
