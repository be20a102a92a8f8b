import type { AccessEntry } from '../../traffic/traffic.ts'
import type { ProxySettings } from '../config/settings.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number): string => String(value).padStart(2, '0')

/** `[23/Nov/2026:00:02:22.952]`, in UTC as the machines' clocks are */
export function logTime(now: number): string {
  const at = new Date(now)
  const ms = String(at.getUTCMilliseconds()).padStart(3, '0')
  return `${two(at.getUTCDate())}/${months[at.getUTCMonth()] ?? ''}/${at.getUTCFullYear()}:${at.toISOString().slice(11, 19)}.${ms}`
}

/** How and in which phase it ended: client, proxy or server; connecting, waiting for headers, or sending data. */
const endings: Readonly<Record<NonNullable<AccessEntry['ended']>, string>> = {
  client: 'CD',
  cut: 'KD',
  idle: 'cD',
  'no-server': 'SC',
  'queue-timeout': 'sQ',
  connect: 'SC',
  'connect-timeout': 'sC',
  response: 'SH',
  'response-timeout': 'sH',
  status: 'SH',
}

const ms = (value: number | null): string => (value === null ? '-1' : String(Math.round(value)))

/** `option httplog` and `option tcplog` (configuration manual 8.2) */
export function accessLine(proxy: ProxySettings, entry: AccessEntry, now: number, sessions: number): string {
  const { source, request } = entry
  const where = `${proxy.name} ${entry.pool ?? proxy.name}/${entry.server ?? '<NOSRV>'}`
  const ended = entry.ended === null ? '--' : endings[entry.ended]
  const counts = `${sessions}/${sessions}/0/0/${entry.redispatched ? '+' : ''}${entry.retries} 0/0`
  const head = `${source.address}:${source.port} [${logTime(now - entry.totalMs)}] ${where}`
  if (request === null)
    return `${head} ${ms(entry.queueMs)}/${ms(entry.connectMs)}/${ms(entry.totalMs)} ${entry.bytesOut} ${ended} ${counts}`
  const times = `0/${ms(entry.queueMs)}/${ms(entry.connectMs)}/${ms(entry.responseMs)}/${ms(entry.totalMs)}`
  const line = `"${request.method} ${request.url} HTTP/${request.httpVersion}"`
  return `${head} ${times} ${entry.status ?? -1} ${entry.bytesOut} - - ${ended}${proxy.cookie === null ? '--' : 'NI'} ${counts} ${line}`
}
