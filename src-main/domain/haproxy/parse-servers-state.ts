import { endOfLine, scanPlainLine, slotsFrom } from './scan-columns.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

/** One line of `show servers state` (format version 1, management guide 9.3). */
export interface ServerStateRow {
  backendId: string
  backend: string
  serverId: string
  server: string
  /** `address:port`, `[v6]:port`, the host name when unresolved; null for a unix socket, whose path HAProxy does not show */
  address: string | null
  /** 0 stopped, 1 starting (slow start), 2 running, 3 stopping (shown as NOLB) */
  opState: number
  /** bit mask, written in decimal: see server-state.ts */
  adminState: number
  /** the weight in force as the operator set it, before slow start and drain */
  weight: number
  configuredWeight: number
  /** 0 none yet, 1 neutral, 2 failed, 3 passed, 4 conditionally passed */
  checkResult: number
}

const space = 32
/** as in `0x0c`, which `Number` would take */
const letterX = 120
const texts = ['be_id', 'be_name', 'srv_id', 'srv_name', 'srv_addr', 'srv_port', 'srv_fqdn'] as const
const numbers = ['srv_op_state', 'srv_admin_state', 'srv_uweight', 'srv_iweight', 'srv_check_result'] as const
const wanted = [...texts, ...numbers]

/** Parsed by header name: later versions append columns. */
export function parseServersState(text: string): ServerStateRow[] {
  const headerEnd = endOfLine(text, 2)
  if (!text.startsWith('1\n# ')) {
    throw new UnexpectedReply('The reply to "show servers state" is not of format version 1.', text)
  }
  const names = text.slice(4, headerEnd).split(' ')
  const missing = wanted.find((name) => !names.includes(name))
  if (missing !== undefined) throw new UnexpectedReply(`The reply to "show servers state" has no column "${missing}".`, text)
  const slots = slotsFrom(names, wanted)
  const rows: ServerStateRow[] = []
  for (let start = headerEnd + 1; start < text.length && text[start] !== '\n';) {
    const end = endOfLine(text, start)
    const cells = new Array<string>(wanted.length).fill('')
    scanPlainLine(text, start, end, space, slots, cells)
    rows.push(rowFrom(cells, text))
    start = end + 1
  }
  return rows
}

function rowFrom(cells: string[], text: string): ServerStateRow {
  const [backendId = '', backend = '', serverId = '', server = '', host = '', port = '', hostName = ''] = cells
  const [opState, adminState, weight, configuredWeight, checkResult] = numbers.map((name, index) => {
    // Decimal: read as hexadecimal, a drained server with a second bit would look like one in maintenance.
    const cell = cells[texts.length + index] ?? ''
    const value = cell.length > 0 && cell.charCodeAt(1) !== letterX ? Number(cell) : NaN
    if (!Number.isInteger(value)) throw new UnexpectedReply(`A line of "show servers state" has no number in "${name}".`, text)
    return value
  }) as [number, number, number, number, number]
  const address = addressFrom(host, port, hostName)
  return { backendId, backend, serverId, server, address, opState, adminState, weight, configuredWeight, checkResult }
}

/** `-` stands for an absent value. */
function addressFrom(address: string, port: string, hostName: string): string | null {
  if (address !== '-' && address !== '') return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return hostName === '-' || hostName === '' ? null : `${hostName}:${port}`
}
