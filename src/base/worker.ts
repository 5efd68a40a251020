/**
 * Where a worker thread's code lies: beside the module that starts it, as a source while the sources run as they are,
 * else in the bundle.
 *
 * @param from `import.meta.url` of the module that starts it
 * @param name file name of the worker without its ending
 */
export function workerUrl(from: string, name: string): URL {
  return new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.mjs'}`, from);
}
