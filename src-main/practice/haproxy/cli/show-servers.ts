import type { Backend, LiveServer } from '../worker/backend.ts'
import { checkNumber, inMaintenance, operState } from '../worker/server-words.ts'
import type { Worker } from '../worker/worker.ts'
import { Refusal, type CliCommand } from './command.ts'

const stateColumns =
  'be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port'

function chosen(worker: Worker, name: string | undefined): Backend[] {
  const backends = [...worker.backends.values()]
  const found = backends.filter(({ proxy }) => name === undefined || proxy.name === name)
  if (name !== undefined && found.length === 0) throw new Refusal("Can't find backend.\n")
  return found
}

/** bits of a check's state: configured, enabled, paused */
const checkBits = { configured: 2, enabled: 4, paused: 8 } as const

function checkState(live: LiveServer): number {
  const { settings, server } = live
  const configured = settings.check === null ? 0 : checkBits.configured
  const enabled = settings.check !== null && server.checked ? checkBits.enabled : 0
  // Servers that were never enabled are not paused, only off.
  const paused = inMaintenance(live) && ((configured !== 0 && !live.dynamic) || settings.disabled) ? checkBits.paused : 0
  return configured | enabled | paused
}

/** the same bits, and the one that says it is an agent's */
const agentState = ({ settings, agentEnabled }: LiveServer): number =>
  settings.agent === null ? 0 : 16 | checkBits.configured | (agentEnabled ? checkBits.enabled : 0)

function stateLine(worker: Worker, { proxy }: Backend, live: LiveServer): string {
  const { server, settings } = live
  const result = server.lastCheck === null ? 0 : server.lastCheck.passed ? 3 : 2
  const since = Math.max(0, Math.floor((worker.machine.clock.monotonic() - server.lastChangeAt) / 1000))
  const health = settings.check === null ? (live.dynamic ? 0 : settings.rise) : inMaintenance(live) ? 0 : server.health
  const cells = [
    proxy.id, proxy.name, live.id, settings.name, server.address, operState(live), live.admin, server.weight, settings.weight, since,
    checkNumber(live), result, health, checkState(live), agentState(live), 0, 0, '-', server.port, '-', 0, settings.check?.port ?? 0, '-', '-', settings.agent?.port ?? 0,
  ] // prettier-ignore
  return `${cells.join(' ')}\n`
}

export const showServersState: CliCommand = {
  words: 'show servers state',
  level: 'user',
  run: ([name], { worker }) =>
    [
      `1\n# ${stateColumns}\n`,
      ...chosen(worker, name).flatMap((backend) => backend.servers.map((live) => stateLine(worker, backend, live))),
    ].join(''),
}

export const showServersConn: CliCommand = {
  words: 'show servers conn',
  level: 'user',
  run([name], { worker }) {
    const threads = worker.config.global.threads
    const head = `# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[${threads}]\n`
    const lines = chosen(worker, name).flatMap(({ proxy, servers }) =>
      servers.map(({ id, settings, server }) => {
        const used = proxy.mode === 'http' ? server.figures.sessions : 0
        const most = server.figures.mostSessions
        const idle = Array.from({ length: threads }, () => 0).join(' ')
        return `${proxy.name}/${settings.name} ${proxy.id}/${id} ${server.address} ${server.port} - 5000 ${used} ${most} ${most} 0 0 -1 0 ${idle}\n`
      }),
    )
    return head + lines.join('')
  },
}
