import type { InventoryNode, NodeId, SiteId } from '#contract'

/** What the form holds: text as it was typed. */
export interface NodeDraft {
  id: string
  name: string
  site: string
  production: boolean
  host: string
  port: string
  user: string
  identityFile: string
  knownHostsFile: string
  proxyJump: string
  auth: '' | 'agent' | 'key' | 'password'
  sudo: boolean
  haproxySocket: string
  haproxyMaster: string
  nginxConfig: string
  nginxStatus: string
  keepalivedConfig: string
}

export type DraftFault = 'required' | 'idFault' | 'portFault'
export type DraftFaults = Partial<Record<'id' | 'name' | 'host' | 'port', DraftFault>>

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

export const emptyDraft = (): NodeDraft => ({
  id: '',
  name: '',
  site: '',
  production: false,
  host: '',
  port: '',
  user: '',
  identityFile: '',
  knownHostsFile: '',
  proxyJump: '',
  auth: '',
  sudo: false,
  haproxySocket: '',
  haproxyMaster: '',
  nginxConfig: '',
  nginxStatus: '',
  keepalivedConfig: '',
})

export function draftFrom(node: InventoryNode): NodeDraft {
  const { ssh, services } = node
  return {
    id: node.id,
    name: node.name,
    site: node.site ?? '',
    production: node.production ?? false,
    host: ssh.host,
    port: ssh.port === undefined ? '' : String(ssh.port),
    user: ssh.user ?? '',
    identityFile: ssh.identityFile ?? '',
    knownHostsFile: ssh.knownHostsFile ?? '',
    proxyJump: ssh.proxyJump ?? '',
    auth: ssh.auth ?? '',
    sudo: ssh.sudo ?? false,
    haproxySocket: services?.haproxy?.socket ?? '',
    haproxyMaster: services?.haproxy?.masterSocket ?? '',
    nginxConfig: services?.nginx?.config ?? '',
    nginxStatus: services?.nginx?.stubStatusUrl ?? '',
    keepalivedConfig: services?.keepalived?.config ?? '',
  }
}

export function draftFaults(draft: NodeDraft): DraftFaults {
  const port = Number(draft.port)
  const isPort = draft.port.trim() === '' || (Number.isInteger(port) && port >= 1 && port <= 65535)
  return {
    ...(draft.host.trim() === '' ? { host: 'required' as const } : {}),
    ...(ID.test(idOf(draft)) ? {} : { id: 'idFault' as const }),
    ...(isPort ? {} : { port: 'portFault' as const }),
  }
}

/** An id is made of the name or the host until one is typed. */
export const idOf = (draft: NodeDraft): string =>
  draft.id.trim() !== '' ? draft.id.trim() : slugFrom(draft.name.trim() === '' ? draft.host : draft.name)

export const slugFrom = (text: string): string =>
  text
    .trim()
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63)

/** The node as the inventory keeps it. Fields that the form does not show (`before`) are kept; what was emptied is left out. */
export function nodeFrom(draft: NodeDraft, before: InventoryNode | null): InventoryNode {
  const haproxy = {
    ...before?.services?.haproxy,
    ...text('socket', draft.haproxySocket),
    ...text('masterSocket', draft.haproxyMaster),
  }
  const nginx = {
    ...before?.services?.nginx,
    ...text('config', draft.nginxConfig),
    ...text('stubStatusUrl', draft.nginxStatus),
  }
  const keepalived = { ...before?.services?.keepalived, ...text('config', draft.keepalivedConfig) }
  const services = { ...filled('haproxy', haproxy), ...filled('nginx', nginx), ...filled('keepalived', keepalived) }
  return withoutEmpty({
    id: idOf(draft) as NodeId,
    name: draft.name.trim() === '' ? idOf(draft) : draft.name.trim(),
    site: draft.site === '' ? undefined : (draft.site as SiteId),
    production: draft.production ? true : undefined,
    ssh: withoutEmpty({
      host: draft.host.trim(),
      port: draft.port.trim() === '' ? undefined : Number(draft.port),
      user: typed(draft.user),
      identityFile: typed(draft.identityFile),
      knownHostsFile: typed(draft.knownHostsFile),
      proxyJump: typed(draft.proxyJump),
      auth: draft.auth === '' ? undefined : draft.auth,
      sudo: draft.sudo ? true : undefined,
    }),
    services: Object.keys(services).length === 0 ? undefined : services,
  }) as InventoryNode
}

const typed = (value: string): string | undefined => (value.trim() === '' ? undefined : value.trim())
/** `undefined` takes back what was there before; `withoutEmpty` then removes the key. */
const text = (key: string, value: string) => ({ [key]: typed(value) })
function filled(key: string, value: object): object {
  const kept = withoutEmpty(value)
  return Object.keys(kept).length === 0 ? {} : { [key]: kept }
}
const withoutEmpty = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))
