import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Decrypt, Refusal } from './format.ts';

/** A canary is a line; what is larger is another file. */
const largestCanary = 1 << 16;

/**
 * The encryption of BrowseComp and of runs on it, which keeps their texts out of what is crawled: each text is XORed with
 * the SHA-256 of a canary, over and over, and written as base64. The canary is the user's, in a file of its own; neither it
 * nor anything made of it is ever written down.
 * @param canaryFile path of the file that holds the canary; read when it is first needed
 */
export function decryption(canaryFile: string | null = null): Decrypt {
  let key: Buffer | Refusal | undefined;
  return texts => {
    key ??= canaryFile === null ? refused(unnamed) : keyIn(canaryFile);
    if ('refused' in key) return key;
    const decrypted: string[] = [];
    for (const text of texts) {
      const bytes = Buffer.from(text, 'base64');
      for (let i = 0; i < bytes.length; i++) bytes[i]! ^= key[i % key.length]!;
      // The wrong key makes noise of a text: bytes that are no UTF-8, or that no text has.
      if (!isUtf8(bytes) || bytes.some(isControl)) return refused(wrong);
      decrypted.push(bytes.toString('utf8'));
    }
    return decrypted;
  };
}

/** Whether texts look encrypted: all of them are base64, and there is too much of it for chance. */
export function areEncrypted(texts: Iterable<string>): boolean {
  let length = 0;
  for (const text of texts) {
    if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return false;
    length += text.length;
  }
  return length >= 48;
}

const unnamed =
  'no canary is at hand. Write the canary of the data set into a file, and name that file as `canaryFile` in .lrat/config.json';
const wrong =
  'the canary in the file that `canaryFile` names is not the one that it was encrypted with. Check that it is the canary of this data set, whole, and that nothing else is in the file';

function keyIn(path: string): Buffer | Refusal {
  // Nothing here tells the name of the file: who mistakes the setting for the canary has written that there.
  const unread = (why: string): Refusal =>
    refused(`the file that \`canaryFile\` in .lrat/config.json names ${why}. Put the canary there`);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return unread('does not exist');
  if (!stats.isFile() || stats.size > largestCanary) return unread('is no small file');
  let canary: string;
  try {
    canary = readFileSync(path, 'utf8')
      .replace(/^\uFEFF/, '')
      .trim();
  } catch {
    return unread('cannot be read');
  }
  return canary === '' ? unread('is empty') : createHash('sha256').update(canary).digest();
}

function refused(why: string): Refusal {
  return { refused: `its outputs are encrypted, as BrowseComp-Plus publishes runs, and ${why}` };
}

function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d;
}
