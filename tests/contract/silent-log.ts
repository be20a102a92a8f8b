import type { Log } from '../../src-main/app/ports/log.ts'

const nothing = (): void => undefined

/** For tests that judge behaviour, not the log. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
