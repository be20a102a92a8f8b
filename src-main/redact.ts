/**
 * Removes secrets from what is about to be logged.
 *
 * Model: a value is a secret when the name it is stored under says so, at any depth. pino's own `redact` takes fixed paths and
 * would miss the one nobody thought of. Not covered: a secret inside a sentence or under an innocent name.
 */
const SECRET_NAME = /pass(word|wd|phrase)?$|password|passphrase|secret|token|authdata|authpass|privatekey|credential/
const REMOVED = '[redacted]'
/** Deeper than anything that is logged on purpose. */
const MAX_DEPTH = 10
const MAX_ITEMS = 200

export function redact(fields: Record<string, unknown>): Record<string, unknown> {
  return redactEntries(Object.entries(fields), [])
}

function redactEntries(entries: readonly (readonly [string, unknown])[], above: readonly object[]): Record<string, unknown> {
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isSecretName(name) && value !== null ? REMOVED : redactValue(value, above)]),
  )
}

function redactValue(value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (above.length >= MAX_DEPTH || above.includes(value)) return '[not shown]'
  const inside = [...above, value]
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`
  if (value instanceof Error) {
    const { name, message, stack, cause } = value
    return {
      ...redactEntries(Object.entries(value), inside),
      name,
      message,
      stack,
      ...(cause ? { cause: redactValue(cause, inside) } : {}),
    }
  }
  if (value instanceof Date) return value
  if (value instanceof Map)
    return redactEntries(
      [...value].map(([name, item]) => [String(name), item] as const),
      inside,
    )
  if (Array.isArray(value) || value instanceof Set)
    return [...value].slice(0, MAX_ITEMS).map((item) => redactValue(item, inside))
  return redactEntries(Object.entries(value), inside)
}

/** `auth_pass`, `authPass` and `AUTH-PASS` are one name. */
function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.toLowerCase().replace(/[^a-z0-9]/g, ''))
}
