/*
 * Drafts of configuration files, kept for the window: they outlive its reload, and, written to disk, the process. One into which a password
 * was typed stays in memory and says so: nothing that the vault has not sealed is written in clear.
 */
import type { ConfigDraft, ParsedInputOf, NodeId } from '#contract'
import { isMask, secretsIn } from '../../domain/config-text/mask-secrets.ts'
import type { Publish } from '../handlers-type.ts'
import type { InventoryService } from '../inventory-service.ts'
import type { Clock } from '../ports/clock.ts'
import type { DraftRepo } from '../ports/store.ts'

export interface DraftService {
  list(): ConfigDraft[]
  /** Throws `node.not-found`. */
  put(draft: ParsedInputOf<'draft.put'>): void
  discard(nodeId: NodeId, path: string): void
}

export interface DraftServiceParts {
  repo: DraftRepo
  inventory: InventoryService
  clock: Clock
  publish: Publish
}

export function createDraftService({ repo, inventory, clock, publish }: DraftServiceParts): DraftService {
  const inMemory = new Map<string, ConfigDraft>()
  const keyOf = (nodeId: NodeId, path: string): string => `${nodeId} ${path}`

  function discard(nodeId: NodeId, path: string): void {
    inMemory.delete(keyOf(nodeId, path))
    repo.remove(nodeId, path)
    publish('draft.changed', { nodeId, path, draft: null })
  }

  return {
    list: () => [...repo.list().filter(({ nodeId, path }) => !inMemory.has(keyOf(nodeId, path))), ...inMemory.values()],
    put(input) {
      const { nodeId, path, kind, baseText, text } = input
      inventory.requireNode(nodeId)
      if (text === baseText) {
        discard(nodeId, path)
        return
      }
      const isTyped = passwordsOf(kind, text).some((value) => !isMask(value))
      const draft: ConfigDraft = { ...input, changedAt: clock.now(), kept: isTyped ? 'memory' : 'disk' }
      if (isTyped) {
        inMemory.set(keyOf(nodeId, path), draft)
        repo.remove(nodeId, path)
      } else {
        repo.put(draft)
        inMemory.delete(keyOf(nodeId, path))
      }
      publish('draft.changed', { nodeId, path, draft })
    },
    discard,
  }
}

const passwordsOf = (kind: ConfigDraft['kind'], text: string): string[] =>
  secretsIn(kind, text).map(({ from, to }) => text.slice(from, to))
