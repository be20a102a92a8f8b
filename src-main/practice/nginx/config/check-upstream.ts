import { once, resolveHost, sizeBytes, timeMs } from './values.ts'
import { ConfigError, type Check, type Reading, type Statement } from './statement.ts'

const checkName: Check = (statement, { before }) => {
  const [name = ''] = statement.args
  if (before.some((other) => other.name === 'upstream' && other.args[0] === name))
    throw new ConfigError(`duplicate upstream "${name}"`, statement)
}

const checkServers: Check = (statement) => {
  const servers = (statement.block ?? []).filter(({ name }) => name === 'server')
  const place = { file: statement.file, line: statement.endLine }
  if (servers.length === 0) throw new ConfigError('no servers are inside upstream', place)
}

export const upstream = Object.assign(checkName, { finish: checkServers })

/** Told once everything is read: a pool of nothing but spares. */
export function checkOnlyBackups(statement: Statement): void {
  const servers = (statement.block ?? []).filter(({ name }) => name === 'server')
  if (servers.every(({ args }) => args.includes('backup')))
    throw new ConfigError(`no servers in upstream "${statement.args[0]}"`, statement)
}

/** `host[:port]` of a server. Throws ConfigError. */
export function checkUpstreamAddress(written: string, kind: 'http' | 'stream', statement: Statement, reading: Reading): void {
  const fail = (reason: string): never => {
    throw new ConfigError(`${reason} in upstream "${written}"`, statement)
  }
  if (written.startsWith('unix:')) return
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(written) ?? fail('invalid host')
  if (host === undefined || host === '') return void fail('no host')
  if (port === undefined ? kind === 'stream' : !isPort(port)) fail(port === undefined ? 'no port' : 'invalid port')
  if (resolveHost(reading.machine, host) === null) fail('host not found')
}

export const isPort = (text: string): boolean => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

const balancingNames = new Set(['least_conn', 'ip_hash', 'hash', 'random'])
const parameters: readonly RegExp[] = [/^weight=0*[1-9]\d*$/, /^max_fails=\d+$/, /^max_conns=\d+$/, /^(backup|down)$/]

export const upstreamServer =
  (kind: 'http' | 'stream'): Check =>
  (statement, { before, reading }) => {
    const [address = '', ...rest] = statement.args
    const method = before.findLast(({ name }) => balancingNames.has(name))?.name
    for (const parameter of rest) {
      const isTime = parameter.startsWith('fail_timeout=') && timeMs(parameter.slice('fail_timeout='.length)) !== null
      if (!isTime && !parameters.some((pattern) => pattern.test(parameter)))
        throw new ConfigError(`invalid parameter "${parameter}"`, statement)
      if (parameter === 'backup' && method !== undefined && method !== 'least_conn')
        throw new ConfigError('balancing method does not support parameter "backup"', statement)
    }
    checkUpstreamAddress(address, kind, statement, reading)
  }

export const balancing: Check = (statement, { before, reading }) => {
  if (before.some(({ name }) => balancingNames.has(name) || name === 'keepalive'))
    reading.warn('load balancing method redefined', statement)
}

export const hash: Check = (statement, scope) => {
  balancing(statement, scope)
  const [, consistent = 'consistent'] = statement.args
  if (consistent !== 'consistent') throw new ConfigError(`invalid parameter "${consistent}"`, statement)
}

/** A connection is known by its client's address, and by nothing else here. */
export const streamHash: Check = (statement, scope) => {
  hash(statement, scope)
  const [key = ''] = statement.args
  if (key !== '$remote_addr')
    throw new ConfigError(`"hash" of "${key}": a practice nginx knows only $remote_addr in "stream"`, statement)
}

export const random: Check = (statement, scope) => {
  balancing(statement, scope)
  const [two = 'two', method = 'least_conn'] = statement.args
  if (two !== 'two') throw new ConfigError(`invalid parameter "${two}"`, statement)
  if (method !== 'least_conn') throw new ConfigError(`invalid parameter "${method}"`, statement)
}

export const keepalive: Check = (statement, scope) => {
  once(statement, scope)
  const [count = ''] = statement.args
  if (!/^0*[1-9]\d*$/.test(count)) throw new ConfigError(`invalid value "${count}" in "keepalive" directive`, statement)
}

/** eight pages of 4096 bytes */
const leastZoneBytes = 32_768

export const zone: Check = (statement) => {
  const [name = '', written] = statement.args
  if (written === undefined) return
  const bytes = sizeBytes(written)
  if (bytes === null) throw new ConfigError(`invalid zone size "${written}"`, statement)
  if (bytes < leastZoneBytes) throw new ConfigError(`zone "${name}" is too small`, statement)
}
