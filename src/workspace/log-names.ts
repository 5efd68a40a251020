import { byCodeUnit } from './discovery.ts';

/** Finds logs by what people and label files call them. */
export class LogNames {
  readonly #byFile = new Map<string, string[]>();

  constructor(names: Iterable<string>) {
    for (const name of names) {
      const file = fileName(name);
      const alike = this.#byFile.get(file);
      if (alike === undefined) this.#byFile.set(file, [name]);
      else alike.push(name);
    }
  }

  /**
   * The logs that a name may mean: the one of just this name; else all whose name ends with it, or that it ends with,
   * whole path elements compared (`0.json` means `runs/0.json`, and so does `/home/me/runs/0.json`).
   */
  matching(given: string): readonly string[] {
    const path = given.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
    const alike = this.#byFile.get(fileName(path)) ?? [];
    if (alike.includes(path)) return [path];
    return alike.filter(name => name.endsWith(`/${path}`) || path.endsWith(`/${name}`)).toSorted(byCodeUnit);
  }
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The names of logs: their path below their root. Where several roots hold the same path, all of these get the name of
 * their root before it, and more of its path as long as two are the same. Depends on nothing but the set of logs.
 */
export function nameLogs<Log extends { readonly root: string; readonly path: string }>(
  logs: readonly Log[],
): Map<Log, string> {
  const names = new Map(logs.map(log => [log, log.path]));
  for (let prefix = 1, contested: Log[] = [...logs]; contested.length > 0; prefix++) {
    const users = new Map<string, Log[]>();
    for (const [log, name] of names) users.set(name, [...(users.get(name) ?? []), log]);
    contested = [...users.values()].filter(sharing => sharing.length > 1).flat();
    for (const log of contested) {
      const folders = log.root.split(/[\\/]/).filter(Boolean);
      names.set(log, [...folders.slice(-prefix), log.path].join('/'));
    }
  }
  return names;
}
