import type { Shell } from 'electron'

/** Hosts a link in the window may lead to: the daemons' manuals and the project's own pages. */
const ALLOWED_HOSTS = new Set([
  'docs.haproxy.org',
  'nginx.org',
  'www.keepalived.org',
  'keepalived.readthedocs.io',
  'github.com',
])

export function isAllowedLink(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : null
  return url !== null && url.protocol === 'https:' && url.username === '' && url.password === '' && ALLOWED_HOSTS.has(url.host)
}

/** The only place that hands an address to the system's browser. False: it was refused. */
export async function openExternal(shell: Pick<Shell, 'openExternal'>, address: string): Promise<boolean> {
  if (!isAllowedLink(address)) return false
  await shell.openExternal(new URL(address).href)
  return true
}
