/*
 * Passwords in configuration files, masked for display: keepalived's `auth_pass` and `password`, HAProxy's user lists and `stats auth`,
 * `Authorization` headers. The rest of the text stays as it is, line by line, and what stands in a comment is masked too: an old password
 * is often the present one elsewhere. The mask ends with a few characters from `tag`, so that a changed password shows as changed.
 */
import type { ServiceKind } from '#contract'

const keepalivedValue = String.raw`"(?:[^"\\\r\n]|\\.)*"?|[^\s{}"]+`
const lineValue = String.raw`(?:"(?:[^"\\\r\n]|\\.)*"?|'[^'\r\n]*'?|\\.|[^\s"'\\;])+`

const patterns: Record<ServiceKind, readonly RegExp[]> = {
  keepalived: [new RegExp(String.raw`(?<![\w-])((?:auth_pass|password)[ \t]+)(${keepalivedValue})`, 'g')],
  haproxy: [
    new RegExp(String.raw`(?<![\w-])((?:insecure-password|password|stats[ \t]+auth)[ \t]+)(${lineValue})`, 'g'),
    new RegExp(String.raw`(?<![\w-])(Authorization[ \t]+)(?![$%])(${lineValue})`, 'gi'),
  ],
  nginx: [new RegExp(String.raw`(?<![\w-])(Authorization[ \t]+)(?!\$|"\$)(${lineValue})`, 'gi')],
}

const mask = '***'

/** Of a text that somebody wrote here, where masks stand for what they do not say; a password on a node may begin like one. */
export const isMask = (value: string): boolean => value.startsWith(mask)

/** Where passwords, or the masks in their place, stand; in order, never over the end of a line. */
export function secretsIn(kind: ServiceKind, text: string): { from: number; to: number }[] {
  const found = patterns[kind].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ 0: whole, 1: keyword = '', index }) => ({
      from: index + keyword.length,
      to: index + whole.length,
    })),
  )
  found.sort((a, b) => a.from - b.from)
  return found.filter(({ from }, index) => from >= (found[index - 1]?.to ?? 0))
}

/** The text with another value in place of each password. */
export function replaceSecrets(kind: ServiceKind, text: string, by: (secret: string) => string): string {
  let at = 0
  const pieces = secretsIn(kind, text).map(({ from, to }) => {
    const piece = text.slice(at, from) + by(text.slice(from, to))
    at = to
    return piece
  })
  return pieces.join('') + text.slice(at)
}

/** Shorter ones would take words out of every sentence. */
const leastHidden = 3

/** What a daemon says of these texts, without the passwords in them: it repeats words that it does not understand. */
export function hideSecrets(kind: ServiceKind, texts: readonly string[], said: string): string {
  const words = texts.flatMap((text) =>
    secretsIn(kind, text).flatMap(({ from, to }) => {
      const word = text.slice(from, to).replace(/^(["'])(.*?)\1?$/s, '$2')
      // `stats auth` has the name before it
      return [word, word.slice(word.indexOf(':') + 1)]
    }),
  )
  const secrets = [...new Set(words)].filter((word) => word.length >= leastHidden && word !== mask)
  secrets.sort((a, b) => b.length - a.length)
  return secrets.reduce(
    (text, secret) => text.replace(new RegExp(`(?<!\\w)${secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?!\\w)`, 'g'), mask),
    replaceSecrets(kind, said, () => mask),
  )
}

/** @param tag a few ASCII characters that tell two secrets apart and do not tell what they are */
export function maskSecrets(
  kind: ServiceKind,
  text: string,
  tag: (secret: string) => string,
): { text: string; masked: number } {
  let masked = 0
  const replaced = replaceSecrets(kind, text, (secret) => {
    masked += 1
    return secret === mask ? secret : mask + tag(secret)
  })
  return { text: replaced, masked }
}
