import * as v from 'valibot'
import { NodeId, PairId, SiteId } from './ids.ts'

const name = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(120))
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535))
const path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096))

/**
 * How to reach a node. What is left out comes from `~/.ssh/config` for `host`, then from OpenSSH's own defaults.
 * Secrets are never here: they live in the vault, keyed by node.
 */
export const SshTarget = v.strictObject({
  /** a host name, an address, or a Host alias of ~/.ssh/config */
  host: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(255)),
  port: v.optional(port),
  user: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
  /** private key file; `~` is the console user's home; a relative path is relative to the inventory file at import */
  identityFile: v.optional(path),
  /** a known_hosts file to use beside the console's own; relative as above */
  knownHostsFile: v.optional(path),
  /** `[user@]host[:port][,…]` as in ssh_config; `none` turns off what ~/.ssh/config says */
  proxyJump: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(1024))),
  /** `agent` (default when SSH_AUTH_SOCK is set), `key`, `password`: tried in OpenSSH's order when absent */
  auth: v.optional(v.picklist(['agent', 'key', 'password'])),
  /** run privileged commands with `sudo -n` */
  sudo: v.optional(v.boolean()),
})
export type SshTarget = v.InferOutput<typeof SshTarget>

/** Where to look when a probe cannot find out by itself. Every field overrides what the probe would find. */
export const ServiceOverrides = v.strictObject({
  haproxy: v.optional(
    v.strictObject({ socket: v.optional(path), masterSocket: v.optional(path), config: v.optional(v.array(path)) }),
  ),
  nginx: v.optional(
    v.strictObject({
      binary: v.optional(path),
      config: v.optional(path),
      stubStatusUrl: v.optional(v.pipe(v.string(), v.url())),
    }),
  ),
  keepalived: v.optional(v.strictObject({ config: v.optional(path), pidFile: v.optional(path) })),
})
export type ServiceOverrides = v.InferOutput<typeof ServiceOverrides>

export const InventorySite = v.strictObject({ id: SiteId, name })
export type InventorySite = v.InferOutput<typeof InventorySite>

export const InventoryNode = v.strictObject({
  id: NodeId,
  name,
  site: v.optional(SiteId),
  ssh: SshTarget,
  /** typing the node's name is asked before a push or a drill here */
  production: v.optional(v.boolean()),
  services: v.optional(ServiceOverrides),
})
export type InventoryNode = v.InferOutput<typeof InventoryNode>

/** Nodes that share one or more virtual routers. Two or more of them. */
export const InventoryPair = v.strictObject({
  id: PairId,
  name,
  nodes: v.pipe(v.array(NodeId), v.minLength(2)),
})
export type InventoryPair = v.InferOutput<typeof InventoryPair>

/**
 * The inventory file (`evenkeel inventory export|import`), YAML or JSON. Its JSON Schema is published as
 * `resources/inventory.schema.json`, generated from this. References are checked by `domain/fleet/inventory.ts`.
 */
export const Inventory = v.strictObject({
  version: v.literal(1),
  fleet: v.optional(name, 'fleet'),
  sites: v.optional(v.array(InventorySite), []),
  nodes: v.optional(v.array(InventoryNode), []),
  pairs: v.optional(v.array(InventoryPair), []),
})
export type Inventory = v.InferOutput<typeof Inventory>

/** A Host of ~/.ssh/config that could become a node. */
export const SshConfigHost = v.strictObject({
  alias: v.string(),
  hostName: v.string(),
  user: v.nullable(v.string()),
  port: v.number(),
  proxyJump: v.nullable(v.string()),
  identityFiles: v.array(v.string()),
  /** `file:line` of the Host line */
  source: v.string(),
  alreadyAdded: v.boolean(),
})
export type SshConfigHost = v.InferOutput<typeof SshConfigHost>

/** What a probe found out about one daemon. */
export const ProbedService = v.strictObject({
  kind: v.picklist(['haproxy', 'nginx', 'keepalived']),
  version: v.string(),
  pid: v.nullable(v.number()),
  running: v.boolean(),
  /** absolute paths, from the running command line where the daemon runs */
  configFiles: v.array(v.string()),
  /** sockets, status pages, pid files: what the drivers will use, by name */
  endpoints: v.record(v.string(), v.string()),
  /** e.g. `admin` for a stats socket, `root`, `sudo` */
  privilege: v.string(),
})
export type ProbedService = v.InferOutput<typeof ProbedService>

/** Something that is missing on the node, and the exact line that would fix it. */
export const ProbeFinding = v.strictObject({
  severity: v.picklist(['error', 'warning', 'info']),
  /** stable id, e.g. `haproxy.socket-missing`, `sudo.denied` */
  rule: v.string(),
  message: v.string(),
  /** the exact line to add or run, and where; null when nothing can be done about it */
  fix: v.nullable(v.strictObject({ where: v.string(), line: v.string() })),
})
export type ProbeFinding = v.InferOutput<typeof ProbeFinding>

export const ProbeReport = v.strictObject({
  nodeId: NodeId,
  at: v.number(),
  durationMs: v.number(),
  hostName: v.string(),
  os: v.string(),
  user: v.string(),
  initSystem: v.picklist(['systemd', 'other']),
  sudo: v.picklist(['root', 'available', 'denied', 'absent']),
  services: v.array(ProbedService),
  findings: v.array(ProbeFinding),
})
export type ProbeReport = v.InferOutput<typeof ProbeReport>
