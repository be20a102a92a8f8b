import { listenFrom, addressText, type Listen } from './listen.ts'
import { ConfigError, type Check, type Scope, type Statement } from './statement.ts'

const parameters =
  /^(default_server|default|bind|reuseport|deferred|backlog=\d+|rcvbuf=\d+k?|sndbuf=\d+k?|fastopen=\d+|ipv6only=(on|off)|so_keepalive=.+)$/

/** Other servers of the same block that came before. */
const siblings = ({ around }: Scope): readonly Statement[] => (around[0]?.before ?? []).filter(({ name }) => name === 'server')
const listensOf = (statements: readonly Statement[]): readonly Statement[] => statements.filter(({ name }) => name === 'listen')
const isDefault = ({ args }: Statement): boolean => args.includes('default_server') || args.includes('default')

function read(statement: Statement, { reading }: Scope): Listen {
  const listen = listenFrom(statement.args[0] ?? '', reading.machine)
  if (typeof listen === 'string')
    throw new ConfigError(`${listen} in "${statement.args[0]}" of the "listen" directive`, statement)
  return listen
}

const sameAs =
  (listen: Listen, scope: Scope) =>
  (other: Statement): boolean =>
    addressText(read(other, scope)) === addressText(listen)

export const httpListen: Check = (statement, scope) => {
  const listen = read(statement, scope)
  for (const parameter of statement.args.slice(1))
    if (!parameters.test(parameter)) throw new ConfigError(`invalid parameter "${parameter}"`, statement)
  const same = sameAs(listen, scope)
  if (listensOf(scope.before).some(same)) throw new ConfigError(`a duplicate listen ${addressText(listen)}`, statement)
  const others = siblings(scope).flatMap(({ block }) => listensOf(block ?? []))
  if (isDefault(statement) && others.some((other) => isDefault(other) && same(other)))
    throw new ConfigError(`a duplicate default server for ${addressText(listen)}`, statement)
}

export const streamListen: Check = (statement, scope) => {
  const listen = read(statement, scope)
  if (!listen.hasPort) throw new ConfigError(`no port in "${statement.args[0]}" of the "listen" directive`, statement)
  for (const parameter of statement.args.slice(1))
    if (parameter !== 'udp' && (!parameters.test(parameter) || parameter.startsWith('default')))
      throw new ConfigError(`the invalid "${parameter}" parameter`, statement)
  if (statement.args.includes('udp')) throw new ConfigError('"listen" with "udp": a practice machine has no UDP', statement)
  const others = [...listensOf(scope.before), ...siblings(scope).flatMap(({ block }) => listensOf(block ?? []))]
  if (others.some(sameAs(listen, scope)))
    throw new ConfigError(`duplicate "${addressText(listen)}" address and port pair`, statement)
}

export const streamServer: Check = ({ file, endLine, block }) => {
  if (listensOf(block ?? []).length === 0) throw new ConfigError('no "listen" is defined for server', { file, line: endLine })
}
