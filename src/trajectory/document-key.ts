const scheme = /^(?:https?:)?\/\//i;
/** `en.wikipedia.org/wiki/…`: an address whose scheme somebody left out. */
const bareHost = /^[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#]|$)/;

/** Whether a text is an address in the web (`https://…`, `//host/…` or `www.…`) and not a document id. */
export function isUrl(text: string): boolean {
  return scheme.test(text) || /^www\.[^\s/]+\.\S+$/i.test(text);
}

/**
 * An address as documents are compared by it: no scheme, `www.`, fragment, trailing slash or `utm_*`; the host in
 * lower case and without its default port. What is no address in the web is returned trimmed.
 */
export function normaliseUrl(url: string): string {
  const text = url.trim();
  if (!scheme.test(text) && !bareHost.test(text)) return text;
  const address = scheme.test(text) ? text.replace(/^\/\//, 'https://') : `https://${text}`;
  if (!URL.canParse(address)) return text;
  const { host, pathname, search } = new URL(address);
  const kept = search
    .slice(1)
    .split('&')
    .filter(parameter => parameter !== '' && !/^utm_/i.test(parameter));
  const query = kept.length === 0 ? '' : `?${kept.join('&')}`;
  return `${host.replace(/^www\./, '')}${pathname.replace(/\/+$/, '')}${query}`;
}

/** What a document is known by: its id, else its normalised URL; null if the log shows neither. */
export function documentKey(document: { id?: string | null; url?: string | null }): string | null {
  const id = document.id?.trim();
  if (id) return isUrl(id) ? normaliseUrl(id) : id;
  const url = document.url?.trim();
  return url ? normaliseUrl(url) : null;
}
