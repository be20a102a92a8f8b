import type { ConfigIntent, ConfigText, FileEdits } from '#contract'
import { editHaproxyServer } from './haproxy-server.ts'
import { editKeepalivedRouter } from './keepalived-router.ts'
import { editNginxServer } from './nginx-server.ts'

/**
 * The edits that make one change and nothing else: every character outside of them stays as it is. `files` are one node's, in the order
 * its daemon reads them; the edit lands in the file that holds what is changed. Throws `EditRefusal`.
 */
export function editConfig(files: readonly ConfigText[], intent: ConfigIntent): FileEdits[] {
  const own = files.filter(({ kind }) => kind === intent.kind)
  if (intent.kind === 'keepalived') return editKeepalivedRouter(own, intent)
  return intent.kind === 'nginx' ? editNginxServer(own, intent) : editHaproxyServer(own, intent)
}
