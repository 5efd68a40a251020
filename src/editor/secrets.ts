import * as vscode from 'vscode';

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
