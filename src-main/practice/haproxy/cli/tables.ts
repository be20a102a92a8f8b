import type { StickTable } from '../config/settings.ts'
import type { Worker } from '../worker/worker.ts'
import { mayAtLeast, Refusal, type CliCommand } from './command.ts'

interface TableEntry {
  key: string
  expiresAt: number
  data: string
}
interface Table {
  name: string
  settings: StickTable
  entries: TableEntry[]
  clear(key?: string): void
}

function tablesOf(worker: Worker): Table[] {
  return worker.config.proxies.flatMap(({ name, table }): Table[] => {
    if (table === null) return []
    const counting = worker.tables.get(name)
    const backend = worker.backends.get(name)
    const sticking = backend?.pool.stickEntries() ?? []
    const entries = [
      ...(counting?.entries() ?? []).map(({ key, rate, expiresAt }) => ({
        key,
        expiresAt,
        data: ` http_req_rate(${table.ratePeriodMs ?? 0})=${rate}`,
      })),
      ...sticking.map(({ key, server, expiresAt }) => ({
        key,
        expiresAt,
        data: ` server_id=${backend?.find(server)?.id ?? 0} server_key=${backend?.find(server)?.settings.cookie ?? server}`,
      })),
    ]
    return [
      {
        name,
        settings: table,
        entries,
        clear(key) {
          counting?.clear(key)
          backend?.pool.clearStick(key)
        },
      },
    ]
  })
}

function tableNamed(worker: Worker, name: string): Table {
  const found = tablesOf(worker).find((table) => table.name === name)
  if (found === undefined) throw new Refusal('No such table\n')
  return found
}

const headOf = ({ name, settings, entries }: Table): string =>
  `# table: ${name}, type: ip, size:${settings.size}, used:${entries.length}\n`

function lineOf(worker: Worker, entry: TableEntry, index: number): string {
  const left = Math.max(0, Math.round(entry.expiresAt - worker.machine.clock.monotonic()))
  return `0x${(0x55eabb000000 + index * 0x90).toString(16)}: key=${entry.key} use=0 exp=${Number.isFinite(left) ? left : 0}${entry.data}\n`
}

export const showTable: CliCommand = {
  words: 'show table',
  level: 'user',
  run([name, filter, ...words], { worker, session }) {
    if (name === undefined) return tablesOf(worker).map(headOf).join('')
    const table = tableNamed(worker, name)
    const byServer = filter === 'data.server_id' && words[0] === 'eq'
    if (filter !== undefined && filter !== 'key' && !byServer) throw new Refusal('Filter entry #1: Unknown data type\n')
    if (!mayAtLeast(session, 'operator')) return `${headOf(table)}# contents not dumped due to insufficient privileges\n`
    if (byServer) {
      const wanted = ` server_id=${words[1] ?? ''} `
      const led = table.entries.filter(({ data }) => data.startsWith(wanted))
      return headOf(table) + led.map((entry, index) => lineOf(worker, entry, index)).join('')
    }
    const [key] = words
    const entries = table.entries.filter((entry) => key === undefined || entry.key === key)
    if (key !== undefined && entries.length === 0) return ''
    return headOf(table) + entries.map((entry, index) => lineOf(worker, entry, index)).join('')
  },
}

const usage = 'Required arguments: <table> "data.<store_data_type>" <operator> <value> or <table> key <key>\n'

export const clearTable: CliCommand = {
  words: 'clear table',
  level: 'user',
  run([name, filter, key], { worker, session }) {
    if (name === undefined) throw new Refusal(usage)
    const table = tableNamed(worker, name)
    if (filter !== undefined && filter !== 'key') throw new Refusal(usage)
    if (filter === 'key' && key === undefined) throw new Refusal('Key value expected\n')
    // Below operator the daemon answers nothing and does nothing.
    if (mayAtLeast(session, 'operator')) table.clear(key)
    return ''
  },
}
