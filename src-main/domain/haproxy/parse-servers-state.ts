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

/** The reply that starts at `from`, parsed by header name: later versions append columns. */
export function parseServersState(text: string, from = 0): ServerStateRow[] {
  const headerEnd = endOfLine(text, from + 2)
  if (!text.startsWith('1\n# ', from)) {
    throw new UnexpectedReply('The reply to "show servers state" is not of format version 1.', text.slice(from))
  }
  const names = text.slice(from + 4, headerEnd).split(' ')
  const missing = wanted.find((name) => !names.includes(name))
  if (missing !== undefined)
    throw new UnexpectedReply(`The reply to "show servers state" has no column "${missing}".`, text.slice(from))
  const slots = slotsFrom(names, wanted)
  const rows: ServerStateRow[] = []
  const empty = new Array<string>(wanted.length).fill('')
  for (let start = headerEnd + 1; start < text.length && text[start] !== '\n';) {
    const end = endOfLine(text, start)
    const cells = empty.slice()
    scanPlainLine(text, start, end, space, slots, cells)
    rows.push(rowFrom(cells, text))
    start = end + 1
  }
  return rows
}

function rowFrom(cells: string[], text: string): ServerStateRow {
  const [backendId = '', backend = '', serverId = '', server = '', host = '', port = '', hostName = ''] = cells
  const integer = (place: number): number => {
    // Decimal: read as hexadecimal, a drained server with a second bit would look like one in maintenance.
    const cell = cells[texts.length + place] ?? ''
    const value = cell.length > 0 && cell.charCodeAt(1) !== letterX ? Number(cell) : NaN
    if (Number.isInteger(value)) return value
    throw new UnexpectedReply(`A line of "show servers state" has no number in "${numbers[place]}".`, text)
  }
  const address = addressFrom(host, port, hostName)
  return {
    backendId,
    backend,
    serverId,
    server,
    address,
    opState: integer(0),
    adminState: integer(1),
    weight: integer(2),
    configuredWeight: integer(3),
    checkResult: integer(4),
  }
}

/** `-` stands for an absent value. */
function addressFrom(address: string, port: string, hostName: string): string | null {
  if (address !== '-' && address !== '') return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return hostName === '-' || hostName === '' ? null : `${hostName}:${port}`
}
