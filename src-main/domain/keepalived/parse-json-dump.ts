/**
 * keepalived's JSON dump (SIGNUM JSON, keepalived 2.2.7).
 *
 * It contains the clear-text VRRP password as `auth_data`. A reviver drops that key while the text is being parsed, so no
 * object of this program ever holds it; nothing here keeps the text or puts a piece of it into an error.
 */
export type VrrpState = 'INIT' | 'BACKUP' | 'MASTER' | 'FAULT'

export interface DumpedInstance {
  name: string
  vrid: number
  interface: string
  state: VrrpState | null
  wantState: VrrpState | null
  basePriority: number | null
  effectivePriority: number | null
  /** addresses as keepalived writes them, without prefix length and options; excluded ones (not in adverts) included */
  addresses: string[]
  advertIntMs: number | null
  nopreempt: boolean | null
  /** epoch milliseconds by the node's clock */
  lastTransition: number | null
  counters: Record<string, number>
}

const states: Record<number, VrrpState> = { 0: 'INIT', 1: 'BACKUP', 2: 'MASTER', 3: 'FAULT' }

/** Null when the text is not a whole dump, e.g. because the daemon was still writing it. */
export function parseJsonDump(text: string): DumpedInstance[] | null {
  let dump: unknown
  try {
    dump = JSON.parse(text, (key, value: unknown) => (key === 'auth_data' ? undefined : value))
  } catch {
    // The error's message would quote the text, password and all.
    return null
  }
  // 2.2.7 prints an array; later versions may wrap it as { "vrrp": […] } beside other families.
  const list: unknown = isRecord(dump) && !Array.isArray(dump) ? dump['vrrp'] : dump
  if (!Array.isArray(list)) return null
  return list.flatMap((entry: unknown) => {
    if (!isRecord(entry) || !isRecord(entry['data']) || typeof entry['data']['iname'] !== 'string') return []
    return [instanceFrom(entry['data']['iname'], entry['data'], isRecord(entry['stats']) ? entry['stats'] : {})]
  })
}

function instanceFrom(name: string, data: Record<string, unknown>, stats: Record<string, unknown>): DumpedInstance {
  const advertIntS = numberOrNull(data['adver_int'])
  const transitionS = numberOrNull(data['last_transition'])
  return {
    name,
    vrid: numberOrNull(data['vrid']) ?? 0,
    interface: typeof data['ifp_ifname'] === 'string' ? data['ifp_ifname'] : '',
    state: states[numberOrNull(data['state']) ?? -1] ?? null,
    wantState: states[numberOrNull(data['wantstate']) ?? -1] ?? null,
    basePriority: numberOrNull(data['base_priority']),
    effectivePriority: numberOrNull(data['effective_priority']),
    addresses: [...stringsOf(data['vips']), ...stringsOf(data['evips'])].map(bareAddress),
    advertIntMs: advertIntS === null ? null : Math.round(advertIntS * 1000),
    nopreempt: typeof data['nopreempt'] === 'boolean' ? data['nopreempt'] : null,
    lastTransition: transitionS === null || transitionS === 0 ? null : Math.round(transitionS * 1000),
    counters: Object.fromEntries(
      Object.entries(stats).flatMap(([key, value]) => (typeof value === 'number' ? [[key, value] as const] : [])),
    ),
  }
}

/** `198.18.7.100/24 dev eth0 scope global label eth0:vip set` → `198.18.7.100`. */
export const bareAddress = (text: string): string => text.trim().split(/[\s/]/)[0] ?? ''

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const stringsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
