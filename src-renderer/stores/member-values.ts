import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { MemberValues } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'

/** What two members of a pair have each for itself in the file that is open; only the newest question counts. */
export const useMemberValuesStore = defineStore('memberValues', () => {
  const client = useClient()
  /** with the two texts that it was found in */
  const found = shallowRef<(MemberValues & { texts: { one: string; other: string } }) | null>(null)
  const error = shallowRef<CallError | null>(null)
  let abort: AbortController | null = null

  async function look(texts: { one: string; other: string } | null): Promise<void> {
    abort?.abort()
    const own = new AbortController()
    abort = own
    if (texts === null) return void (found.value = null)
    try {
      const values = await client.call('config.memberValues', texts, { signal: own.signal })
      if (abort !== own) return
      found.value = { ...values, texts }
      error.value = null
    } catch (thrown) {
      if (abort === own) error.value = callErrorFrom(thrown)
    }
  }

  return { found, error, look }
})
