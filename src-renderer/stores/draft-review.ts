import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { ConfigDiff, ConfigDraft, ConfigText, LintFinding, ParsedConfig } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'

/** What a draft means, what will hurt in it, and what it changes. */
export interface DraftReview {
  /** the text that was looked at */
  text: string
  outline: ParsedConfig['outline']
  findings: readonly LintFinding[]
  diff: ConfigDiff
}

/** Looks at the draft that is open, anew whenever it changes; only the newest question counts. */
export const useDraftReviewStore = defineStore('draftReview', () => {
  const client = useClient()
  const review = shallowRef<DraftReview | null>(null)
  const error = shallowRef<CallError | null>(null)
  let abort: AbortController | null = null

  /** @param files the node's files of that daemon, this one among them, as their drafts have them */
  async function look(draft: ConfigDraft, files: readonly ConfigText[]): Promise<void> {
    abort?.abort()
    const own = new AbortController()
    abort = own
    const { path, kind, text, baseText } = draft
    const options = { signal: own.signal }
    try {
      const [{ outline }, findings, diff] = await Promise.all([
        client.call('config.parse', { path, kind, text }, options),
        client.call('config.lint', { files: [...files] }, options),
        client.call('config.diff', { before: [{ path, kind, text: baseText }], after: [{ path, kind, text }] }, options),
      ])
      if (abort !== own) return
      review.value = { text, outline, findings: findings.filter(({ file }) => file === path), diff }
      error.value = null
    } catch (thrown) {
      if (abort === own) error.value = callErrorFrom(thrown)
    }
  }

  function forget(): void {
    abort?.abort()
    abort = null
    review.value = null
    error.value = null
  }

  return { review, error, look, forget }
})
