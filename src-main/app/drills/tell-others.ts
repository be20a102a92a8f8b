import type { Run } from './drill-run.ts'

const postMs = 5000
const isAddress = (who: string): boolean => /^https?:\/\//.test(who)

/**
 * Tells those of `notify` who are an address of HTTP that a drill begins or is over: `text` for people, as chats take it, and the same as data.
 * Who cannot be told is noted in the drill and stands in nobody's way.
 */
export async function tellOthers({ parts, drill, signal }: Run, what: 'begins' | 'ended'): Promise<void> {
  const { plan, id, node, alsoOn, author, reason, verdict, restored } = drill
  const places = [node, ...alsoOn].join(', ')
  const text =
    what === 'begins'
      ? `Drill "${plan.name}" begins: ${plan.fault.kind} on ${places}, for ${plan.holdMs / 1000} s. ${author}: ${reason}`
      : `Drill "${plan.name}" is over, ${verdict ?? 'without a verdict'}. ${drill.said}`
  const body = { text, drill: id, event: what, router: plan.router, fault: plan.fault.kind, node, author, verdict, restored }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(postMs)])
  await Promise.all(
    plan.notify.filter(isAddress).map((url) =>
      parts.postJson(url, body, limit).catch((thrown: unknown) => {
        const why = thrown instanceof Error ? thrown.message : String(thrown)
        parts.book.note(id, { kind: 'problem', nodeId: null, text: `${hostOf(url)} was not told: ${why}` })
      }),
    ),
  )
}

/** Without what may be a secret in the rest of it. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'an address that is none')
