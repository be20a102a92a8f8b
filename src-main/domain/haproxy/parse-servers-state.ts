import { replyOf, standsAt, type Reply } from './reply.ts'
import { placesOf, TableReader } from './scan-columns.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

/** What one line of `show servers state` says (format version 1, management guide 9.3), without names. */
export interface ServerFacts {
  /** `address:port`, `[v6]:port`, the host name when unresolved; null for a unix socket, whose path HAProxy does not show */
  address: string | null
  backendId: number
  serverId: number
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

export interface ServerStateRow extends ServerFacts {
  backend: string
  server: string
}

const space = 32
const columns = [
  'be_id', 'be_name', 'srv_id', 'srv_name', 'srv_addr', 'srv_port', 'srv_fqdn', 'srv_op_state', 'srv_admin_state', 'srv_uweight',
  'srv_iweight', 'srv_check_result',
] as const // prettier-ignore
const at = placesOf(columns)

/** The reply that starts at `from`, row by row; columns by header name, for later versions append some. */
export function scanServersState(source: string | Reply, from = 0): TableReader {
  const reply = replyOf(source)
  if (!standsAt(reply, from, '1\n# ')) {
    throw new UnexpectedReply('The reply to "show servers state" is not of format version 1.', reply.text(from, from + 1000))
  }
  const states = new TableReader({ reply, from: from + 4, separator: space }, columns)
  const [missing] = states.missing
  if (missing !== undefined) {
    throw new UnexpectedReply(`The reply to "show servers state" has no column "${missing}".`, reply.text(from, from + 1000))
  }
  return states
}

export function parseServersState(source: string | Reply, from = 0): ServerStateRow[] {
  const states = scanServersState(source, from)
  const rows: ServerStateRow[] = []
  while (states.next()) {
    const [backend, server] = [states.text(at.be_name), states.text(at.srv_name)]
    rows.push({ backend, server, ...factsOf(states) })
  }
  return rows
}

/** Whether the reader is at this server. */
export const isServer = (states: TableReader, backendId: number, serverId: number): boolean =>
  states.number(at.srv_id) === serverId && states.number(at.be_id) === backendId

/** @param address where it is known already, so that it need not be put together */
export function factsOf(states: TableReader, address = ''): ServerFacts {
  return {
    address: address || addressOf(states),
    backendId: states.figure(at.be_id),
    serverId: states.figure(at.srv_id),
    opState: states.figure(at.srv_op_state),
    adminState: states.figure(at.srv_admin_state),
    weight: states.figure(at.srv_uweight),
    configuredWeight: states.figure(at.srv_iweight),
    checkResult: states.figure(at.srv_check_result),
  }
}

/** `-` stands for an absent value. */
function addressOf(states: TableReader): string | null {
  const [address, port, hostName] = [states.text(at.srv_addr), states.text(at.srv_port), states.text(at.srv_fqdn)]
  if (address !== '-' && address !== '') return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return hostName === '-' || hostName === '' ? null : `${hostName}:${port}`
}
