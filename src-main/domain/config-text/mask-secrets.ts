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

export const isMask = (value: string): boolean => value.startsWith(mask)

/** @param tag a few ASCII characters that tell two secrets apart and do not tell what they are */
export function maskSecrets(
  kind: ServiceKind,
  text: string,
  tag: (secret: string) => string,
): { text: string; masked: number } {
  let masked = 0
  const replaced = patterns[kind].reduce(
    (rest, pattern) =>
      rest.replace(pattern, (_, keyword: string, secret: string) => {
        masked += 1
        return keyword + (isMask(secret) ? secret : mask + tag(secret))
      }),
    text,
  )
  return { text: replaced, masked }
}
