import { checkOnlyBackups, checkUpstreamAddress } from './check-upstream.ts'
import { addressText, listenFrom } from './listen.ts'
import { ConfigError, type Reading, type Statement } from './statement.ts'

/** What nginx can say only when the whole of `http` or `stream` is read. Throws ConfigError. */
export function finishConfig(statements: readonly Statement[], reading: Reading): void {
  for (const { name, block } of statements) {
    if (name !== 'http' && name !== 'stream') continue
    const upstreams = (block ?? []).filter((each) => each.name === 'upstream')
    upstreams.forEach(checkOnlyBackups)
    const names = new Set(upstreams.map(({ args }) => args[0]))
    const servers = (block ?? []).filter((each) => each.name === 'server')
    checkTargets(servers, names, name, reading)
    if (name === 'http') warnOfNames(servers, reading)
    else for (const server of servers) checkHandler(server)
  }
}

function checkTargets(
  blocks: readonly Statement[],
  upstreams: ReadonlySet<string | undefined>,
  kind: 'http' | 'stream',
  reading: Reading,
): void {
  for (const statement of blocks.flatMap(({ block }) => block ?? [])) {
    if (statement.name === 'location') checkTargets([statement], upstreams, kind, reading)
    const [written = ''] = statement.args
    if (statement.name !== 'proxy_pass' || written.includes('$')) continue
    const target = written.replace(/^http:\/\//, '').replace(/\/.*/, '')
    const [, host, port] = /^([^:]*):(\d+)$/.exec(target) ?? []
    if (upstreams.has(host)) throw new ConfigError(`upstream "${host}" may not have port ${port}`, statement)
    if (!upstreams.has(target)) checkUpstreamAddress(target, kind, statement, reading)
  }
}

function checkHandler({ block, file, endLine }: Statement): void {
  if (!(block ?? []).some(({ name }) => name === 'proxy_pass'))
    throw new ConfigError('no handler for server', { file, line: endLine })
}

function warnOfNames(servers: readonly Statement[], reading: Reading): void {
  const taken = new Set<string>()
  for (const { block } of servers) {
    const of = (name: string): readonly Statement[] => (block ?? []).filter((each) => each.name === name)
    const listens = of('listen').map(({ args }) => args[0] ?? '')
    const names = of('server_name').flatMap(({ args }) => args)
    for (const written of listens.length === 0 ? ['80'] : listens) {
      const listen = listenFrom(written, reading.machine)
      if (typeof listen === 'string') continue
      for (const name of names.length === 0 ? [''] : names) {
        const key = `"${name.toLowerCase()}" on ${addressText(listen)}`
        if (taken.has(key)) reading.warn(`conflicting server name ${key}, ignored`, null)
        taken.add(key)
      }
    }
  }
}
