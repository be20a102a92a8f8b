import type { Machine } from '../../machine/machine.ts'
import { isPort } from './check-upstream.ts'
import { resolveHost } from './values.ts'

export interface Listen {
  /** `*` for every address */
  readonly address: string
  readonly port: number
  readonly hasPort: boolean
}

/** What a `listen` names; a text is the reason why it cannot be read. */
export function listenFrom(written: string, machine: Machine): Listen | string {
  if (/^\d+$/.test(written)) return isPort(written) ? { address: '*', port: Number(written), hasPort: true } : 'invalid port'
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(written) ?? []
  if (port !== undefined && !isPort(port)) return 'invalid port'
  if (host === '') return 'no host'
  const address = host === '*' || host === '0.0.0.0' ? '*' : resolveHost(machine, host)
  return address === null ? 'host not found' : { address, port: Number(port ?? 80), hasPort: port !== undefined }
}

export function addressText({ address, port }: Pick<Listen, 'address' | 'port'>): string {
  return `${address === '*' ? '0.0.0.0' : address.includes(':') ? `[${address}]` : address}:${port}`
}
