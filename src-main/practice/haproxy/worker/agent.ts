import { text } from 'node:stream/consumers'
import type { Machine } from '../../machine/machine.ts'
import type { Backend, LiveServer } from './backend.ts'

/**
 * `agent-check`: the server tells its own weight and state over a TCP port, one line each time (configuration manual 5.2). What it says wins
 * over the runtime API at the next check; `maint` and `drain` stay until it says `ready`. Runs until its process ends.
 */
export function runAgent(machine: Machine, pid: number, backend: Backend, live: LiveServer): void {
  const { agent } = live.settings
  if (agent === null) return
  const schedule = (): void => {
    machine.clock.after(agent.intervalMs, () => {
      if (machine.processes.get(pid) === null || !backend.servers.includes(live)) return
      void ask().finally(schedule)
    })
  }
  async function ask(): Promise<void> {
    if (agent === null || !live.agentEnabled) return
    try {
      const to = { address: live.server.address, port: agent.port, pid, timeoutMs: agent.intervalMs }
      const socket = await machine.network.connect(to)
      const limit = machine.clock.after(agent.intervalMs, () => socket.destroy())
      const said = await text(socket).finally(limit)
      if (live.agentEnabled) obey(backend, live, said.split('\n', 1)[0] ?? '')
    } catch {
      // An agent that cannot be asked changes nothing.
    }
  }
  schedule()
}

/** Words are separated by blanks or commas; what follows `#` is a description. */
function obey(backend: Backend, live: LiveServer, line: string): void {
  for (const word of (line.split('#', 1)[0] ?? '')
    .trim()
    .toLowerCase()
    .split(/[\s,]+/)) {
    const percent = /^(\d+)%$/.exec(word)?.[1]
    if (percent !== undefined) live.server.setWeight(Math.min(256, Math.floor((live.settings.weight * Number(percent)) / 100)))
    else if (word === 'drain' || word === 'maint' || word === 'ready') backend.setState(live, word)
    else if (word === 'up') setAgentDown(backend, live, false)
    else if (word === 'down' || word === 'failed' || word === 'stopped') setAgentDown(backend, live, true)
    else continue
    live.agentAnswered = true
  }
}

/** Down by the agent's word, whatever its checks say. */
export function setAgentDown(backend: Backend, live: LiveServer, down: boolean): void {
  live.agentDown = down
  backend.applyState(live)
}
