import { useI18n } from 'vue-i18n'
import type { NodeId } from '#contract'
import { useFleetStore } from '../../stores/fleet.ts'
import { filesIn, nodesIn } from './push-figures.ts'

const namesShown = 3

/** Nodes and files by name as long as they are few. */
export function usePushWords() {
  const { t } = useI18n()
  const fleet = useFleetStore()
  const nameOf = (id: NodeId): string => fleet.nodes.get(id)?.name ?? id
  const namesOf = (nodes: readonly NodeId[]): string => nodes.map(nameOf).join(', ')

  /** `haproxy.cfg to lb2, lb1` */
  function whatOf(targets: readonly { nodeId: NodeId; files: readonly { path: string }[] }[]): string {
    const [files, nodes] = [filesIn(targets), nodesIn(targets)]
    return t('push.what', {
      files: files.length > namesShown ? t('push.files', files.length) : files.join(', '),
      nodes: nodes.length > namesShown ? t('push.nodes', nodes.length) : namesOf(nodes),
    })
  }
  return { fleet, nameOf, namesOf, whatOf }
}
