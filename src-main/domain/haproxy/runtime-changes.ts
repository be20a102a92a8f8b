/*
 * Changes of a configuration that a running HAProxy can be told, so that it afterwards is as it would be after a reload (management manual
 * 2.6, 9.3; held against 2.6.12). A server that is added at run time knows nothing of `default-server`, so that it is
 * sent all of it, takes no cookie, resolves no name, and needs a backend whose algorithm can change; hashes are left out, because they go by numbers that a reload gives anew.
 */
import type { ConfigChange, ConfigText, RuntimeStep } from '#contract'
import { parseConfig } from './config/tree.ts'
import { settingOf, viewOf, type ConfiguredServer, type ProxyView } from './config/view.ts'
import { nameFault, setStateCommand, setWeightCommand } from './runtime-command.ts'

/** Null where the change needs a reload, or has a name that no command can carry. `after`: the files as they are to be. */
export function runtimeStep(change: ConfigChange, after: readonly ConfigText[]): RuntimeStep | null {
  const { impact, what, subject, after: value } = change
  const slash = subject.indexOf('/')
  const [pool, server] = [subject.slice(0, Math.max(slash, 0)), subject.slice(slash + 1)]
  if (change.kind !== 'haproxy' || nameFault(pool) !== null || nameFault(server) !== null) return null
  if (what === 'server.added' || what === 'server.removed') {
    const proxy = poolIn(after, pool)
    if (proxy === null || !canChange(proxy)) return null
    if (what === 'server.removed') return { pool, server, remove: true }
    const line = proxy.servers.find(({ name }) => name === server)
    const add = line === undefined ? null : wordsOf(proxy, line)
    return add === null ? null : { pool, server, add }
  }
  if (impact !== 'runtime' || value === null) return null
  if (what === 'server.weight') return { pool, server, weight: Number(value) }
  if (what === 'server.disabled') return { pool, server, state: value === 'yes' ? 'maint' : 'ready' }
  return null
}

/** All of the changes as steps, what comes before what goes; null when one of them needs a reload. */
export function runtimeSteps(changes: readonly ConfigChange[], after: readonly ConfigText[]): RuntimeStep[] | null {
  const steps = changes.map((change) => runtimeStep(change, after)).filter((step) => step !== null)
  if (steps.length === 0 || steps.length < changes.length) return null
  return [...steps.filter((step) => !('remove' in step)), ...steps.filter((step) => 'remove' in step)]
}

function poolIn(files: readonly ConfigText[], pool: string): ProxyView | null {
  const own = files.filter(({ kind }) => kind === 'haproxy')
  const { proxies } = viewOf(own.map(({ path, text }) => ({ path, tree: parseConfig(text) })))
  return proxies.find(({ kind, name }) => kind !== 'frontend' && name === pool) ?? null
}

const algorithms = new Set(['roundrobin', 'leastconn', 'first', 'random'])
const canChange = (proxy: ProxyView): boolean => {
  const [algorithm = 'roundrobin'] = settingOf(proxy, 'balance')?.values ?? []
  return algorithms.has(algorithm.replace(/\(.*/, ''))
}

/** That mean at run time what they mean in a file. */
const options = new Set(
  'addr backup check disabled downinter enabled fall fastinter inter maxconn maxqueue minconn port rise slowstart weight'.split(
    ' ',
  ),
)
/** An address with a port, no name: what a server added at run time connects to. */
const numeric = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):\d+$/

/** What stands behind the name of the server; null where it would be another one at run time. */
function wordsOf(proxy: ProxyView, { address, count, options: own }: ConfiguredServer): string | null {
  if (settingOf(proxy, 'cookie') !== null || count !== 1 || !numeric.test(address)) return null
  const words = [...own.values()].flatMap(({ name, values }) => [name, ...values])
  const isKnown = [...own.keys()].every((name) => options.has(name)) && words.every((word) => /^[\w.:-]+$/.test(word))
  return isKnown ? [address, ...words].join(' ') : null
}

/** As they are sent, in this order. */
export function commandsOf(step: RuntimeStep): string[] {
  // the weight of the file that the process has read is not known here, nor needed: these backends take any number
  if ('weight' in step) return [setWeightCommand(step, step.weight, NaN)]
  if ('state' in step) return [setStateCommand(step, step.state)]
  const name = `${step.pool}/${step.server}`
  if ('remove' in step) return [setStateCommand(step, 'maint'), `del server ${name}`]
  const words = step.add.split(' ')
  return [
    `add server ${name} ${step.add}`,
    // it is made in maintenance, and its checks have to be started
    ...(words.includes('check') ? [`enable health ${name}`] : []),
    ...(words.includes('disabled') ? [] : [setStateCommand(step, 'ready')]),
  ]
}

/** How the server is to be found when the step was taken; null: gone. */
export function wantedAfter(step: RuntimeStep): { weight?: number; state?: 'ready' | 'maint' } | null {
  if ('remove' in step) return null
  if ('weight' in step) return { weight: step.weight }
  return { state: 'state' in step ? step.state : step.add.split(' ').includes('disabled') ? 'maint' : 'ready' }
}
