import { BlockList, isIP } from 'node:net'
import { secondsFrom } from '../../../domain/nginx/upstreams.ts'
import type { Machine } from '../../machine/machine.ts'
import { ConfigError, type Check } from './statement.ts'

/** `1h30m`; null: no time. Milliseconds. */
export const timeMs = (text: string): number | null => {
  const seconds = text === '' ? null : secondsFrom(text)
  return seconds === null ? null : seconds * 1000
}

const sizeUnits: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** bytes; null: no size */
export function sizeBytes(text: string): number | null {
  const [, amount, unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
  return amount === undefined ? null : Number(amount) * (sizeUnits[unit.toLowerCase()] ?? 1)
}

/** May stand only once in its block. */
export const once: Check = (statement, { before }) => {
  if (before.some(({ name }) => name === statement.name))
    throw new ConfigError(`"${statement.name}" directive is duplicate`, statement)
}

const onceAnd =
  (isRight: (value: string) => boolean, complain: (name: string, value: string) => string): Check =>
  (statement, scope) => {
    once(statement, scope)
    for (const value of statement.args) if (!isRight(value)) throw new ConfigError(complain(statement.name, value), statement)
  }

const invalidValue = (name: string): string => `"${name}" directive invalid value`

export const flag = onceAnd(
  (value) => /^(on|off)$/i.test(value),
  (name, value) => `invalid value "${value}" in "${name}" directive, it must be "on" or "off"`,
)
export const number = onceAnd(
  (value) => /^\d+$/.test(value),
  (name) => `"${name}" directive invalid number`,
)
export const time = onceAnd((value) => timeMs(value) !== null, invalidValue)
export const size = onceAnd((value) => sizeBytes(value) !== null, invalidValue)
export const oneOf = (...words: readonly string[]): Check =>
  onceAnd(
    (value) => words.includes(value),
    (_, value) => `invalid value "${value}"`,
  )

/** The address a name stands for on this machine: /etc/hosts is all it has. */
export function resolveHost({ files }: Machine, host: string): string | null {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) !== 0) return bare
  if (host === 'localhost') return '127.0.0.1'
  const lines = files.exists('/etc/hosts') ? files.read('/etc/hosts').toString('utf8').split('\n') : []
  return (
    lines.map((line) => line.replace(/#.*/, '').trim().split(/\s+/)).find(([, ...names]) => names.includes(host))?.[0] ?? null
  )
}

/** `all`, an address or a network in CIDR form; null: neither */
export function networkFrom(text: string): BlockList | null {
  const [address = '', prefix] = text.split('/')
  const version = isIP(address)
  const bits = prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix)
  if (version === 0 || !Number.isInteger(bits) || bits < 0 || bits > (version === 6 ? 128 : 32)) return null
  const list = new BlockList()
  list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4')
  return list
}
