import { shallowRef, type ShallowRef } from 'vue'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'

export interface CallState {
  busy: ShallowRef<boolean>
  error: ShallowRef<CallError | null>
  /** Runs the call; false when it failed, and then `error` says why. */
  run(call: () => Promise<void>): Promise<boolean>
}

/** Busy and error of one kind of call, for a page to show. */
export function createCallState(): CallState {
  const busy = shallowRef(false)
  const error = shallowRef<CallError | null>(null)
  return {
    busy,
    error,
    async run(call) {
      busy.value = true
      error.value = null
      try {
        await call()
        return true
      } catch (thrown) {
        error.value = callErrorFrom(thrown)
        return false
      } finally {
        busy.value = false
      }
    },
  }
}
