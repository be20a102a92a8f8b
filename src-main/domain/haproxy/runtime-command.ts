import type { AdminState } from '#contract'

/**
 * Command lines for the runtime API, and what their replies mean.
 *
 * Model: on one line HAProxy runs every command between `;`, ends the line at LF, takes `<<` as the start of a payload and `\`
 * as an escape; nothing can be quoted safely. So names are never escaped, they are refused unless HAProxy itself would accept
 * them in a configuration (letters, digits, `-` `_` `.` `:`; invalid_char() in its source). `lineFrom` is the only way to a
 * socket and checks the whole line again.
 */

/** A longer line than about 15 kB is never answered and leaks one of the ten CLI slots for ever (2.6.12); this stays well below. */
export const maxLineBytes = 8192

const nameCharacters = /^[A-Za-z0-9_.:-]+$/
const maxNameLength = 1024

/** Null when the name can be sent; else why not, as the end of a sentence. */
export function nameFault(name: string): string | null {
  if (name === '') return 'is empty'
  if (name.length > maxNameLength) return `is longer than ${maxNameLength} characters`
  return nameCharacters.test(name)
    ? null
    : 'has a character that HAProxy does not allow in names (letters, digits, "-", "_", "." and ":")'
}

/**
 * Joins commands into one line, each with the master socket's prefix where there is one: in 2.6 `@1 a;b` sends only `a` to the
 * worker. Null when the line could be taken for something else than these commands.
 */
export function lineFrom(commands: readonly string[], prefix = ''): string | null {
  const safe = commands.length > 0 && commands.every((command) => /^[\x20-\x7e]+$/.test(command) && !/[;\\]|<</.test(command))
  const line = `${commands.map((command) => prefix + command).join(';')}\n`
  return safe && line.length <= maxLineBytes ? line : null
}

export interface ServerRef {
  pool: string
  server: string
}

/** The commands below take names that `nameFault` has passed. */
export function setStateCommand({ pool, server }: ServerRef, state: AdminState): string {
  return `set server ${pool}/${server} state ${state}`
}

/**
 * Back to the configured weight is said in per cent, because a backend with a static algorithm (`source`, `static-rr`, …)
 * accepts nothing but 0% and 100%.
 */
export function setWeightCommand({ pool, server }: ServerRef, weight: number, configuredWeight: number): string {
  const value = weight === configuredWeight ? '100%' : weight === 0 ? '0%' : String(weight)
  return `set server ${pool}/${server} weight ${value}`
}

export function serversStateCommand(pool: string): string {
  return `show servers state ${pool}`
}

export type CommandFault =
  'no-such-server' | 'no-such-backend' | 'not-permitted' | 'old-worker' | 'no-such-worker' | 'unknown-command' | 'refused'

const faults: readonly [RegExp, CommandFault][] = [
  [/^No such server\./, 'no-such-server'],
  [/^No such backend\./, 'no-such-backend'],
  [/^Can't find backend\./, 'no-such-backend'],
  [/^Permission denied/, 'not-permitted'],
  [/^Proxy is disabled\./, 'old-worker'],
  [/^Can't find the target PID/, 'no-such-worker'],
  [/^Unknown command/, 'unknown-command'],
]

/** What `add server` and `del server` say when they have done it (2.6). */
const done = /^(New server registered|Server deleted)\.$/

/** The runtime API has no status codes: nearly every command that changed something answers with an empty line, and else with a refusal. */
export function faultOfChange(reply: string): CommandFault | null {
  const said = reply.trim()
  return said === '' || done.test(said) ? null : (faultFrom(reply) ?? 'refused')
}

/** A reply to a read command that is one of the known refusals; null for anything else. */
export function faultFrom(reply: string): CommandFault | null {
  return faults.find(([pattern]) => pattern.test(reply))?.[1] ?? null
}
