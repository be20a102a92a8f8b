import type { ConfigChange, ConfigDiff, FileDiff, ServiceKind } from '#contract'
import { configSource } from './config-source.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Command } from './run-command.ts'

/** As diff(1): 0 without a difference, 1 with one. Differences that members of a pair are meant to have are not counted. */
export async function diffConfig(
  command: Command,
  [before, after]: readonly [string, string],
  { kind }: { kind?: ServiceKind },
): Promise<ExitCode> {
  const [one, other] = [await configSource(command, before, kind), await configSource(command, after, kind)]
  const diff = await command.client.call('config.diff', { before: one.texts, after: other.texts }, command.signal)
  command.print(diff, () => diffLines(diff, one.name, other.name))
  if (!one.complete || !other.complete) return exitCodes.unreachable
  return diff.files.length > 0 ? exitCodes.failed : exitCodes.ok
}

export function diffLines({ changes, files }: ConfigDiff, before: string, after: string): string[] {
  if (files.length === 0) return ['no difference']
  const told = changeLines(changes)
  return [
    ...(told.length === 0 ? ['only comments, blanks or order differ'] : told),
    '',
    ...files.flatMap((file) => patchLines(file, before, after)),
  ]
}

export const changeLines = (changes: readonly ConfigChange[]): string[] =>
  changes.map((change) => `${changeText(change)}  [${impactText(change)}]`)

const nouns: Record<string, string> = { router: 'vrrp', script: 'script' }

/** `pool be_api: server api5 added`, `vrrp VI_1 priority: 150 → 140` */
function changeText({ kind, what, subject, before, after, at }: ConfigChange): string {
  const [noun = '', verb = ''] = what.split('.')
  const place = at.after ?? at.before
  const where = place === null ? '' : `${place.file}:${place.line}: `
  const head = `${where}${kind} ${nouns[noun] ?? noun} ${subject}`.trimEnd()
  if (verb === 'added') return `${head}: added${after === null || after === subject ? '' : ` (${after})`}`
  if (verb === 'removed') return `${head}: removed${before === null || before === subject ? '' : ` (${before})`}`
  if (verb === 'order') return `${head}: another order, from "${after ?? ''}" on`
  if (what === 'router.auth') return `${head}: another authentication`
  return `${head}${verb === 'value' ? '' : ` ${verb}`}: ${before ?? ''} → ${after ?? ''}`
}

function impactText({ impact, perNode }: ConfigChange): string {
  const words = impact === 'both-members' ? 'both members within three advert intervals' : impact
  return perNode ? `${words}; each node has its own` : words
}

function patchLines({ before, after, hunks, tooDifferent }: FileDiff, one: string, other: string): string[] {
  // a local file's path is the source itself
  const named = (source: string, path: string | null): string =>
    path === null ? '/dev/null' : path === source || source.endsWith(`:${path}`) ? source : `${source}:${path}`
  const head = [`--- ${named(one, before)}`, `+++ ${named(other, after)}`]
  if (tooDifferent) return [...head, 'too many lines differ to show which']
  return [
    ...head,
    ...hunks.flatMap(({ beforeLine, beforeCount, afterLine, afterCount, lines }) => [
      `@@ -${beforeLine},${beforeCount} +${afterLine},${afterCount} @@`,
      ...lines,
    ]),
  ]
}
