import type { AdminState } from '../../traffic/traffic.ts'
import { isStatic } from '../config/build-proxy.ts'
import { isIpAddress } from '../host.ts'
import { setAgentDown } from '../worker/agent.ts'
import { cutSessionsOf, type Worker } from '../worker/worker.ts'
import { findServer, Refusal, type CliCommand, type Found } from './command.ts'

const setUsage =
  'usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr | check-port | fqdn | health | ssl | state | weight\n'

/** What `set server be/s <word>` does; each gets what follows the word. */
const settings: Readonly<Record<string, (found: Found, args: readonly string[]) => string>> = {
  weight: setWeight,
  state({ backend, live }, [state]) {
    if (state !== 'ready' && state !== 'drain' && state !== 'maint')
      throw new Refusal("'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n")
    backend.setState(live, state)
    return ''
  },
  health({ live }, [health]) {
    if (health === 'stopping')
      throw new Refusal("This practice balancer has no health 'stopping'; use 'set server <srv> state drain'.\n")
    if (health !== 'up' && health !== 'down')
      throw new Refusal("'set server <srv> health' expects 'up', 'stopping', or 'down'.\n")
    live.server.setUp(health === 'up')
    return ''
  },
  addr: setAddress,
  agent({ backend, live }, [word]) {
    if (live.settings.agent === null) throw new Refusal('agent checks are not enabled on this server.\n')
    if (word !== 'up' && word !== 'down') throw new Refusal("'set server <srv> agent' expects 'up' or 'down'.\n")
    setAgentDown(backend, live, word === 'down')
    return ''
  },
  'agent-addr': () => 'agent checks are not enabled on this server',
  'agent-port': () => 'agent checks are not enabled on this server',
  'agent-send': () => 'agent checks are not enabled on this server.\n',
  fqdn: () => 'set server <b>/<s> fqdn failed because no resolution is configured.\n',
  ssl: () => "'set server <srv> ssl' cannot be set.  default-server should define ssl settings\n",
}

const setServer: CliCommand = {
  words: 'set server',
  level: 'admin',
  run([name, what = '', ...args], { worker }) {
    const found = findServer(worker, name)
    const apply = Object.hasOwn(settings, what) ? settings[what] : undefined
    return apply === undefined ? setUsage : apply(found, args)
  },
}

const setWeightCommand: CliCommand = {
  words: 'set weight',
  level: 'admin',
  run: ([name, ...args], { worker }) => setWeight(findServer(worker, name), args),
}

const getWeight: CliCommand = {
  words: 'get weight',
  level: 'user',
  run([name], { worker }) {
    const { live } = findServer(worker, name, false)
    return `${live.server.weight} (initial ${live.settings.weight})\n`
  },
}

/** server_parse_weight_change_request() of 2.6 */
function setWeight({ backend, live }: Found, [text]: readonly string[]): string {
  if (text === undefined) throw new Refusal('Require <weight> or <weight%>.\n')
  const [, digits = '', rest = ''] = /^([+-]?\d*)(.*)$/.exec(text) ?? []
  if (!/\d/.test(digits)) throw new Refusal('Empty weight string empty or preceded by garbage')
  if (rest !== '' && rest !== '%') throw new Refusal('Trailing garbage in weight string')
  const number = Number(digits)
  if (rest === '' && (number < 0 || number > 256))
    throw new Refusal('Absolute weight can only be between 0 and 256 inclusive.\n')
  if (rest === '%' && number < 0) throw new Refusal('Relative weight must be positive.\n')
  const weight = rest === '' ? number : Math.min(256, Math.floor((live.settings.weight * number) / 100))
  if (isStatic(backend.proxy) && weight !== 0 && weight !== live.settings.weight)
    throw new Refusal("Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.\n")
  live.server.setWeight(weight)
  return ''
}

function setAddress({ live }: Found, [address, word, portText]: readonly string[]): string {
  const { server } = live
  const by = " by 'stats socket command'\n"
  if (address === undefined) throw new Refusal('set server <b>/<s> addr requires an address and optionally a port.\n')
  if (!isIpAddress(address)) throw new Refusal(`Invalid addr '${address}'${by}`)
  const told = [
    address === server.address ? 'no need to change the addr' : `IP changed from '${server.address}' to '${address}'`,
  ]
  let { port } = server
  if (word === 'port') {
    if (portText === undefined || !/^\d+$/.test(portText))
      return `${told[0] ?? ''}, problem converting port '${portText ?? ''}' to an int${by}`
    // The daemon keeps 16 bits of it without a word.
    port = Number(portText) % 65_536
    told.push(port === server.port ? 'no need to change the port' : `port changed from '${server.port}' to '${port}'`)
  }
  if (address !== server.address || port !== server.port) server.setAddress(address, port)
  return told.join(', ') + by
}

function stateCommand(words: string, state: AdminState): CliCommand {
  return {
    words,
    level: 'admin',
    run([name], { worker }) {
      const { backend, live } = findServer(worker, name)
      backend.setState(live, state)
      return ''
    },
  }
}

function healthCommand(words: string, enabled: boolean): CliCommand {
  return {
    words,
    level: 'admin',
    run([name], { worker }) {
      const { live } = findServer(worker, name)
      if (live.settings.check === null) {
        if (enabled) throw new Refusal('Health check was not configured on this server, cannot enable.\n')
        return ''
      }
      live.server.setChecked(enabled)
      return ''
    },
  }
}

const agentCommand = (words: string, enabled: boolean): CliCommand => ({
  words,
  level: 'admin',
  run([name], { worker }) {
    const { live } = findServer(worker, name)
    if (enabled && live.settings.agent === null) throw new Refusal('Agent was not configured on this server, cannot enable.\n')
    live.agentEnabled = enabled && live.settings.agent !== null
    return ''
  },
})

const setMaxconnServer: CliCommand = {
  words: 'set maxconn server',
  level: 'admin',
  run([name, text], { worker }) {
    const { live } = findServer(worker, name)
    if (text === undefined) throw new Refusal('Require <maxconn>.\n')
    if (!/^[+-]?\d/.test(text)) throw new Refusal('maxconn string empty or preceded by garbage')
    if (!/^[+-]?\d+$/.test(text)) throw new Refusal('Trailing garbage in maxconn string')
    live.server.setMaxSessions(Number(text) > 0 ? Number(text) : null)
    return ''
  },
}

const shutdownSessions: CliCommand = {
  words: 'shutdown sessions server',
  level: 'admin',
  run([name], { worker }: { worker: Worker }) {
    const { backend, live } = findServer(worker, name)
    cutSessionsOf(worker, backend, live)
    return ''
  },
}

export const serverCommands: readonly CliCommand[] = [
  setServer,
  setWeightCommand,
  getWeight,
  stateCommand('disable server', 'maint'),
  stateCommand('enable server', 'ready'),
  healthCommand('disable health', false),
  healthCommand('enable health', true),
  agentCommand('disable agent', false),
  agentCommand('enable agent', true),
  setMaxconnServer,
  shutdownSessions,
]
