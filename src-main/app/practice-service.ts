/*
 * The practice fleet as the console sees it: nodes like any others, and a switch beside them.
 *
 * Model: the fleet belongs to the data folder's driver. Its nodes are those whose key file lies in the folder's own `practice/`; they stay
 * in the inventory when the console ends, and its next start opens the fleet again under them. A fleet of another process (the window's, as
 * the command line sees it; or `evenkeel practice`) is spoken to over SSH, on any of its nodes. One thing is done after the other.
 */
import { basename, dirname } from 'node:path'
import * as v from 'valibot'
import {
  PracticeFacts,
  practiceKeyFile,
  type Inventory,
  type InventoryNode,
  type PracticeDeed,
  type PracticeRepair,
  type PracticeSize,
  type PracticeStatus,
} from '#contract'
import { merged } from '../domain/fleet/inventory.ts'
import { AppError, appErrorFrom } from './app-error.ts'
import type { Publish } from './handlers-type.ts'
import type { InventoryService } from './inventory-service.ts'
import type { Log } from './ports/log.ts'
import type { NodeSessions } from './ports/node-session.ts'
import type { OpenPracticeFleet, PracticeFleet } from './ports/practice.ts'

export interface PracticeService {
  status(signal: AbortSignal): Promise<PracticeStatus>
  open(size: PracticeSize): Promise<PracticeStatus>
  close(): Promise<PracticeStatus>
  do(deed: PracticeDeed, signal: AbortSignal): Promise<PracticeStatus>
  revert(repair: PracticeRepair, signal: AbortSignal): Promise<PracticeStatus>
  /** Start it again under the nodes that the inventory still has. */
  takeUp(): void
  /** Stop it; the inventory stays as it is. */
  letGo(): Promise<void>
}

export interface PracticeServiceParts {
  openFleet: OpenPracticeFleet
  inventory: InventoryService
  sessions: NodeSessions
  /** where the fleet of this data folder keeps its keys */
  folder: string
  log: Log
  publish: Publish
}

const nothing: PracticeFacts = { targets: { backend: [], node: [], site: [] }, scenarios: [], load: null }
const remoteTimeoutMs = 8000
const maxReplyBytes = 1024 * 1024

export function createPracticeService(parts: PracticeServiceParts): PracticeService {
  const { openFleet, inventory, sessions, folder, log, publish } = parts
  let state: PracticeStatus['state'] = 'closed'
  let error: string | null = null
  let fleet: PracticeFleet | null = null
  let last: Promise<unknown> = Promise.resolve()

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
  const isPractice = ({ ssh }: InventoryNode): boolean => basename(ssh.identityFile ?? '') === practiceKeyFile
  const isOwn = ({ ssh }: InventoryNode): boolean => ssh.identityFile !== undefined && dirname(ssh.identityFile) === folder
  const ownNodes = (): InventoryNode[] => inventory.current().nodes.filter(isOwn)
  const view = (facts: PracticeFacts): PracticeStatus => ({ state, error, nodes: ownNodes().map(({ id }) => id), ...facts })
  const become = (next: PracticeStatus['state'], why: string | null = null): void => {
    state = next
    error = why
    if (next !== 'open') publish('practice.changed', view(nothing))
  }

  async function start(size: PracticeSize): Promise<void> {
    become('opening')
    try {
      const opened = await openFleet({
        folder,
        size,
        told: (facts) => {
          if (fleet !== null) publish('practice.changed', view(facts))
        },
        ended(why) {
          fleet = null
          log.error('practice fleet ended', { why })
          become('failed', why)
        },
      })
      try {
        adopt(opened.inventory)
      } catch (thrown) {
        await opened.close()
        throw thrown
      }
      fleet = opened
      become('open')
      publish('practice.changed', view(await opened.status()))
    } catch (thrown) {
      const failure = refusal(thrown)
      become('failed', failure.message)
      throw failure
    }
  }

  /** Its nodes at the addresses of this start. Nothing of the operator's own is replaced. */
  function adopt(addition: Inventory): void {
    const now = inventory.current()
    const own = partOf(now, isOwn)
    const taken = [
      ...strangers('node', now.nodes, own.nodes, addition.nodes),
      ...strangers('site', now.sites, own.sites, addition.sites),
      ...strangers('pair', now.pairs, own.pairs, addition.pairs),
    ]
    if (taken.length > 0) {
      throw new AppError(
        'practice.failed',
        `The inventory already has ${taken.join(', ')}, which the practice fleet would replace. Rename or remove it first.`,
      )
    }
    const after = merged(without(now, own), { ...addition, fleet: now.fleet })
    if (JSON.stringify(after) !== JSON.stringify(now)) replace(after, 'the practice fleet')
  }

  function replace(after: Inventory, source: string): void {
    inventory.importFile({ text: JSON.stringify(after), format: 'json', source, folder: null }, 'replace', false)
  }

  async function stop(): Promise<void> {
    const open = fleet
    fleet = null
    become('closed')
    await open?.close()
  }

  /** Someone else's fleet, or that of the process that drives this data folder: any of its nodes will do. */
  async function askOver(argv: readonly string[], target: string | undefined, signal: AbortSignal): Promise<PracticeStatus> {
    const nodes = inventory.current().nodes.filter(isPractice)
    if (nodes.length === 0)
      throw new AppError('practice.failed', 'No practice fleet is open, and the inventory has no nodes of one.')
    let failure: AppError | null = null
    // The one that it is about comes last: it may be about to become unreachable.
    for (const { id } of [...nodes].sort((a, b) => Number(a.id === target) - Number(b.id === target))) {
      try {
        const session = await sessions.session(id, { signal, timeoutMs: remoteTimeoutMs })
        const limits = { signal, timeoutMs: remoteTimeoutMs, maxBytes: maxReplyBytes }
        const { code, stdout, stderr } = await session.exec(['practice', ...argv, '--json'], limits)
        if (code !== 0) throw new AppError('practice.failed', stderr.replace(/^practice: /, '').trim())
        const facts = v.parse(PracticeFacts, JSON.parse(stdout.toString('utf8')))
        return { state: 'open', error: null, nodes: nodes.map((node) => node.id), ...facts }
      } catch (thrown) {
        failure = appErrorFrom(thrown)
        if (failure.effect !== 'none' || failure.code === 'practice.failed' || signal.aborted) throw failure
      }
    }
    throw new AppError('node.unreachable', `No node of the practice fleet answers. ${failure?.message ?? ''}`.trim())
  }

  const during = async (facts: Promise<PracticeFacts>): Promise<PracticeStatus> => {
    try {
      return view(await facts)
    } catch (thrown) {
      throw refusal(thrown)
    }
  }

  return {
    async status(signal) {
      if (fleet !== null) return during(fleet.status())
      const isElsewhere = state === 'closed' && inventory.current().nodes.some(isPractice)
      return isElsewhere ? askOver(['status'], undefined, signal) : view(nothing)
    },

    open: (size) =>
      inTurn(async () => {
        if (fleet === null) await start(size)
        return view((await fleet?.status()) ?? nothing)
      }),

    close: () =>
      inTurn(async () => {
        const now = inventory.current()
        const own = partOf(now, isOwn)
        if (own.nodes.length > 0) replace(without(now, own), 'the practice fleet closed')
        await stop()
        return view(nothing)
      }),

    do: (deed, signal) => {
      const { scenario, target, value } = deed
      if (fleet !== null) return during(fleet.do(deed))
      const words = [
        scenario,
        ...(target === undefined ? [] : [target]),
        ...(value === undefined ? [] : ['--value', `${value}`]),
      ]
      return askOver(['do', ...words], target, signal)
    },

    revert: (repair, signal) => {
      const { scenario, target } = repair
      if (fleet !== null) return during(fleet.revert(repair))
      return askOver(
        ['revert', ...(scenario === undefined ? [] : [scenario]), ...(target === undefined ? [] : [target])],
        target,
        signal,
      )
    },

    takeUp() {
      void inTurn(async () => {
        if (fleet === null && ownNodes().length > 0) await start({})
      }).catch((thrown: unknown) => log.error('practice fleet not started', { error: appErrorFrom(thrown).message }))
    },

    letGo: () => inTurn(stop),
  }
}

type Part = Pick<Inventory, 'sites' | 'nodes' | 'pairs'>

/** The nodes, the pairs of nothing but them, and the sites where nobody else is. */
function partOf(inventory: Inventory, isOwn: (node: InventoryNode) => boolean): Part {
  const nodes = inventory.nodes.filter(isOwn)
  const ids = new Set<string>(nodes.map(({ id }) => id))
  const others = new Set(inventory.nodes.filter((node) => !ids.has(node.id)).map(({ site }) => site))
  return {
    nodes,
    pairs: inventory.pairs.filter((pair) => pair.nodes.every((id) => ids.has(id))),
    sites: inventory.sites.filter(({ id }) => nodes.some(({ site }) => site === id) && !others.has(id)),
  }
}

function without(inventory: Inventory, part: Part): Inventory {
  return {
    ...inventory,
    sites: inventory.sites.filter((each) => !part.sites.includes(each)),
    nodes: inventory.nodes.filter((each) => !part.nodes.includes(each)),
    pairs: inventory.pairs.filter((each) => !part.pairs.includes(each)),
  }
}

function strangers(
  noun: string,
  present: readonly { id: string }[],
  own: readonly { id: string }[],
  added: readonly { id: string }[],
): string[] {
  return present
    .filter((each) => !own.includes(each) && added.some(({ id }) => id === each.id))
    .map(({ id }) => `the ${noun} "${id}"`)
}

const refusal = (thrown: unknown): AppError =>
  thrown instanceof AppError
    ? thrown
    : new AppError('practice.failed', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
