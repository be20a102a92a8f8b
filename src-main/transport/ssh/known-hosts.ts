/*
 * The known_hosts format of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", OpenSSH 9.2: plain and hashed (`|1|salt|hmac`) names, `[host]:port`,
 * `*` and `?`, negation, `@revoked` and `@cert-authority`. Lines that OpenSSH would skip are skipped.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export interface KnownHostLine {
  marker: 'none' | 'revoked' | 'cert-authority'
  /** comma-separated patterns, or one hashed name */
  names: string
  key: Buffer
  keyType: string
  /** `file:line` */
  source: string
}

export function parseKnownHosts(text: string, file: string): KnownHostLine[] {
  const lines: KnownHostLine[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = knownHostLine(raw, `${file}:${index + 1}`)
    if (line !== null) lines.push(line)
  }
  return lines
}

function knownHostLine(raw: string, source: string): KnownHostLine | null {
  const words = raw.trim().split(/\s+/)
  if (words[0] === '' || words[0]?.startsWith('#')) return null
  const marked = words[0]?.startsWith('@') ? words.shift() : undefined
  const marker =
    marked === undefined ? 'none' : marked === '@revoked' ? 'revoked' : marked === '@cert-authority' ? 'cert-authority' : null
  const [names, keyType, base64] = words
  if (marker === null || names === undefined || keyType === undefined || base64 === undefined) return null
  const key = Buffer.from(base64, 'base64')
  // sshd(8): the type is written twice, and a line where the two differ is not a key
  if (keyTypeOf(key) !== keyType) return null
  return { marker, names, key, keyType, source }
}

/** Does the line speak for this host? Names are compared without regard to case, as OpenSSH does. */
export function isLineFor(line: KnownHostLine, host: string, port: number): boolean {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
  if (line.names.startsWith('|')) return matchesHash(line.names, name)
  let matched = false
  for (const pattern of line.names.split(',')) {
    const negated = pattern.startsWith('!')
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue
    if (negated) return false
    matched = true
  }
  return matched
}

function matchesHash(hashed: string, name: string): boolean {
  const [, version, salt, hash, ...rest] = hashed.split('|')
  if (version !== '1' || salt === undefined || hash === undefined || rest.length > 0) return false
  const expected = Buffer.from(hash, 'base64')
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}

/**
 * `*` and `?` as in ssh_config(5) PATTERNS, without regard to case. Takes pattern × text steps at most: a regular expression built
 * from a file's content could take exponentially many.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const [wanted, given] = [pattern.toLowerCase(), text.toLowerCase()]
  /** positions of the text that the pattern so far can end at */
  let reached = [0]
  for (const char of wanted) {
    const first = reached[0]
    if (first === undefined) return false
    reached =
      char === '*'
        ? Array.from({ length: given.length - first + 1 }, (_, offset) => first + offset)
        : reached.filter((at) => at < given.length && (char === '?' || char === given[at])).map((at) => at + 1)
  }
  return reached.includes(given.length)
}

/** `SHA256:…`, as `ssh-keygen -lf` prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** The type inside a raw public key, e.g. `ssh-ed25519`; empty for something that is not a key. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 4) return ''
  const length = key.readUInt32BE(0)
  return length > 64 || key.length < 4 + length ? '' : key.toString('latin1', 4, 4 + length)
}
