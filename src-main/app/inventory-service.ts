import type { Inventory, InventoryNode, InventoryPair, InventorySite, NodeId, PairId, SiteId, SshConfigHost } from '#contract'
import { diffOf, faultsOf, merged, reachedDifferently, type InventoryDiff } from '../domain/fleet/inventory.ts'
import { AppError } from './app-error.ts'
import type { Publish } from './handlers-type.ts'
import type { HistoryService } from './history-service.ts'
import { inventoryText, parseInventoryFile, pathText, relativePathFaults, type InventoryFile } from './inventory-file.ts'
import type { Clock } from './ports/clock.ts'
import type { SshConfigReader } from './ports/ssh.ts'
import type { InventoryRepo, JobRepo } from './ports/store.ts'

/** What a change of the inventory means for whoever holds something per node. */
export interface InventoryChange {
  inventory: Inventory
  removed: readonly NodeId[]
  /** must be dialled and probed anew */
  readdress: readonly NodeId[]
}

export interface InventoryService {
  current(): Inventory
  node(id: NodeId): InventoryNode | null
  /** @throws AppError `node.not-found` */
  requireNode(id: NodeId): InventoryNode
  putNode(node: InventoryNode, create: boolean): void
  removeNode(id: NodeId): void
  putSite(site: InventorySite): void
  removeSite(id: SiteId): void
  putPair(pair: InventoryPair): void
  removePair(id: PairId): void
  importFile(file: InventoryFile, mode: 'merge' | 'replace', dryRun: boolean): InventoryDiff
  exportText(format: 'yaml' | 'json'): string
  sshHosts(): Promise<SshConfigHost[]>
  /** Look whether another shell changed the stored inventory; for viewers. */
  reload(): void
  onChange(listener: (change: InventoryChange) => void): void
}

export interface InventoryServiceParts {
  repo: InventoryRepo
  jobs: JobRepo
  history: HistoryService
  sshConfig: SshConfigReader
  clock: Clock
  publish: Publish
}

export function createInventoryService(parts: InventoryServiceParts): InventoryService {
  const { repo, jobs, history, sshConfig, clock, publish } = parts
  const listeners: ((change: InventoryChange) => void)[] = []
  let inventory = repo.load()

  const node = (id: NodeId): InventoryNode | null => inventory.nodes.find((each) => each.id === id) ?? null

  function requireNode(id: NodeId): InventoryNode {
    const found = node(id)
    if (found === null)
      throw new AppError('node.not-found', `There is no node "${id}" in the inventory.`, { details: { node: id } })
    return found
  }

  function adopt(after: Inventory): InventoryDiff {
    const before = inventory
    const diff = diffOf(before, after)
    const old = new Map(before.nodes.map((each) => [each.id, each]))
    const readdress = after.nodes.filter((each) => {
      const was = old.get(each.id)
      return was !== undefined && reachedDifferently(was, each)
    })
    inventory = after
    for (const listener of listeners)
      listener({ inventory, removed: diff.removed, readdress: readdress.map((each) => each.id) })
    publish('inventory.changed', {})
    return diff
  }

  /** Checks, keeps and announces. `what` says in the history what the operator did. */
  function save(after: Inventory, what: string): InventoryDiff {
    const faults = faultsOf(after)
    if (faults.length > 0) {
      const message = faults.map((fault) => `${pathText(fault.path)}: ${fault.message}`).join('; ')
      throw new AppError('inventory.invalid', `The inventory was not changed: ${message}.`, { details: { issues: faults } })
    }
    refuseBusyNodes(diffOf(inventory, after).removed)
    repo.save(after)
    const diff = adopt(after)
    const { added, updated, removed } = diff
    history.append([
      {
        at: clock.now(),
        kind: 'inventory.changed',
        nodeId: null,
        subject: 'inventory',
        data: { what, added, updated, removed },
      },
    ])
    return diff
  }

  /** A node that a job works on must not vanish under it. */
  function refuseBusyNodes(ids: readonly NodeId[]): void {
    for (const job of jobs.unfinished()) {
      const busy = job.steps.find((step) => step.nodeId !== null && ids.includes(step.nodeId))
      if (busy === undefined) continue
      throw new AppError('job.conflict', `Node "${busy.nodeId}" cannot be removed while the job "${job.title}" runs on it.`, {
        details: { job: job.id, node: busy.nodeId },
      })
    }
  }

  return {
    current: () => inventory,
    node,
    requireNode,
    putNode(put, create) {
      const known = node(put.id) !== null
      if (create && known) {
        throw new AppError('inventory.conflict', `There is already a node "${put.id}"; choose another id or edit that one.`)
      }
      if (!create && !known) throw new AppError('inventory.conflict', `Node "${put.id}" was removed meanwhile; add it anew.`)
      const [fault] = relativePathFaults(put, 0)
      if (fault !== undefined) throw new AppError('inventory.invalid', `${fault.path.slice(2).join('.')}: ${fault.message}.`)
      save({ ...inventory, nodes: withEntry(inventory.nodes, put) }, `node ${put.id} ${known ? 'changed' : 'added'}`)
    },
    removeNode(id) {
      requireNode(id)
      const pair = inventory.pairs.find((each) => each.nodes.includes(id))
      const nodes = inventory.nodes.filter((each) => each.id !== id)
      // A pair needs two nodes: with its second one gone the other stands alone.
      const pairs = inventory.pairs.flatMap((each) => {
        if (each !== pair) return [each]
        const left = each.nodes.filter((nodeId) => nodeId !== id)
        return left.length < 2 ? [] : [{ ...each, nodes: left }]
      })
      save({ ...inventory, nodes, pairs }, `node ${id} removed`)
    },
    putSite: (site) => void save({ ...inventory, sites: withEntry(inventory.sites, site) }, `site ${site.id}`),
    removeSite(id) {
      if (!inventory.sites.some((site) => site.id === id)) throw notFound('site', id)
      const used = inventory.nodes.filter((each) => each.site === id).map((each) => each.id)
      if (used.length > 0) {
        throw new AppError('inventory.conflict', `Site "${id}" still has nodes: ${used.join(', ')}. Move them first.`)
      }
      save({ ...inventory, sites: inventory.sites.filter((site) => site.id !== id) }, `site ${id} removed`)
    },
    putPair: (pair) => void save({ ...inventory, pairs: withEntry(inventory.pairs, pair) }, `pair ${pair.id}`),
    removePair(id) {
      if (!inventory.pairs.some((pair) => pair.id === id)) throw notFound('pair', id)
      save({ ...inventory, pairs: inventory.pairs.filter((pair) => pair.id !== id) }, `pair ${id} removed`)
    },
    importFile(file, mode, dryRun) {
      const read = parseInventoryFile(file)
      const after = mode === 'replace' ? read : merged(inventory, read)
      return dryRun ? diffOf(inventory, after) : save(after, `imported ${file.source}`)
    },
    exportText: (format) => inventoryText(inventory, format),
    async sshHosts() {
      const known = new Set(inventory.nodes.map((each) => each.ssh.host))
      return (await sshConfig.hosts()).map((host) => ({
        ...host,
        alreadyAdded: known.has(host.alias) || known.has(host.hostName),
      }))
    },
    reload() {
      const stored = repo.load()
      if (JSON.stringify(stored) !== JSON.stringify(inventory)) adopt(stored)
    },
    onChange: (listener) => void listeners.push(listener),
  }
}

/** The list with `entry` in place of the one with its id, or at the end. */
function withEntry<T extends { id: string }>(entries: readonly T[], entry: T): T[] {
  return entries.some((each) => each.id === entry.id)
    ? entries.map((each) => (each.id === entry.id ? entry : each))
    : [...entries, entry]
}

function notFound(noun: string, id: string): AppError {
  return new AppError('request.not-found', `There is no ${noun} "${id}" in the inventory.`)
}
