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

const numeric = ['srv_op_state', 'srv_admin_state', 'srv_uweight', 'srv_iweight', 'srv_check_result'] as const
const needed = ['be_id', 'be_name', 'srv_id', 'srv_name', 'srv_addr', 'srv_port', 'srv_fqdn', ...numeric] as const
type Needed = (typeof needed)[number]

/** Parsed by header name: later versions append columns. */
export function parseServersState(text: string): ServerStateRow[] {
  const lines = text.split('\n')
  const header = lines[1] ?? ''
  if (lines[0] !== '1' || !header.startsWith('# ')) {
    throw new UnexpectedReply('The reply to "show servers state" is not of format version 1.', text)
  }
  const names = header.slice(2).split(' ')
  const columns = new Map<Needed, number>()
  for (const name of needed) {
    const at = names.indexOf(name)
    if (at === -1) throw new UnexpectedReply(`The reply to "show servers state" has no column "${name}".`, text)
    columns.set(name, at)
  }
  const rows: ServerStateRow[] = []
  for (let line = 2; line < lines.length && lines[line] !== ''; line++) {
    const cells = (lines[line] ?? '').split(' ')
    rows.push(rowFrom((name) => cells[columns.get(name) ?? -1] ?? '', text))
  }
  return rows
}

function rowFrom(cell: (name: Needed) => string, text: string): ServerStateRow {
  for (const name of numeric) {
    // Decimal: read as hexadecimal, a drained server with a second bit would look like one in maintenance.
    if (!/^-?\d+$/.test(cell(name)))
      throw new UnexpectedReply(`A line of "show servers state" has no number in "${name}".`, text)
  }
  return {
    backendId: cell('be_id'),
    backend: cell('be_name'),
    serverId: cell('srv_id'),
    server: cell('srv_name'),
    address: addressFrom(cell('srv_addr'), cell('srv_port'), cell('srv_fqdn')),
    opState: Number(cell('srv_op_state')),
    adminState: Number(cell('srv_admin_state')),
    weight: Number(cell('srv_uweight')),
    configuredWeight: Number(cell('srv_iweight')),
    checkResult: Number(cell('srv_check_result')),
  }
}

/** `-` stands for an absent value. */
function addressFrom(address: string, port: string, hostName: string): string | null {
  if (address !== '-' && address !== '') return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return hostName === '-' || hostName === '' ? null : `${hostName}:${port}`
}
