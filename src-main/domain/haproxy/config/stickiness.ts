/** What leads clients to one server again and again, as the configuration of HAProxy has it (configuration manual 2.6, 4.2 and 5.2). */
import type { DrainSticky } from '#contract'
import { settingOf, type ConfiguredServer, type HaproxyView, type ProxyView, type Setting } from './view.ts'

const hashes = new Set(['source', 'uri', 'url_param', 'hdr', 'hash', 'rdp-cookie'])

/** `entries` of a stick table are for the runtime to count. Nothing for a server that the files do not have. */
export function stickinessOf({ proxies }: HaproxyView, pool: string, server: string): DrainSticky[] {
  const proxy = proxies.find(({ kind, name }) => kind !== 'frontend' && name === pool)
  const line = proxy?.servers.find(({ name, count }) => name === server || (count > 0 && isMadeFrom(name, server)))
  if (proxy === undefined || line === undefined) return []
  return [...cookiesOf(proxy, line), ...tablesOf(proxy, line), ...hashOf(proxy)]
}

/** A `server-template web 1-3` makes web1, web2 and web3. */
const isMadeFrom = (prefix: string, server: string): boolean =>
  server.startsWith(prefix) && /^\d+$/.test(server.slice(prefix.length))

function cookiesOf(proxy: ProxyView, line: ConfiguredServer): DrainSticky[] {
  const cookie = settingOf(proxy, 'cookie')
  const value = line.options.get('cookie')?.values[0]
  const dynamic = cookie?.values.includes('dynamic') ?? false
  const own = cookie !== null && (value !== undefined || dynamic) ? [stickyBy('cookie', cookie, nameOf(cookie, value))] : []
  const persist = settingOf(proxy, 'persist')
  return persist?.values[0]?.startsWith('rdp-cookie') ? [...own, stickyBy('cookie', persist, 'rdp-cookie')] : own
}

const nameOf = ({ values: [name = ''] }: Setting, value: string | undefined): string =>
  value === undefined ? name : `${name}=${value}`

/** `stick match` looks up what `stick store-…` or another proxy has stored; `non-stick` keeps a server out of every table. */
function tablesOf(proxy: ProxyView, line: ConfiguredServer): DrainSticky[] {
  if (line.options.has('non-stick')) return []
  const rules = proxy.settings.filter(({ keyword }) => keyword === 'stick on' || keyword === 'stick match')
  return rules.map((rule) => stickyBy('table', rule, rule.values[rule.values.indexOf('table') + 1 || -1] ?? proxy.name))
}

function hashOf(proxy: ProxyView): DrainSticky[] {
  const balance = settingOf(proxy, 'balance')
  const method = balance?.values[0]?.replace(/\(.*/, '') ?? ''
  return balance !== null && hashes.has(method) ? [stickyBy('hash', balance, method)] : []
}

function stickyBy(kind: DrainSticky['kind'], setting: Setting, name: string): DrainSticky {
  const written = [setting.keyword, ...setting.values].join(' ')
  return { kind, name, written, file: setting.file, line: setting.line, entries: null }
}
