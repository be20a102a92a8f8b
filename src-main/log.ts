import { chmodSync, closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type DestinationStream, type LevelWithSilent, destination, pino, stdTimeFunctions } from 'pino'
import type { Log } from './app/ports/log.ts'
import { redact } from './redact.ts'

/** At start a larger log becomes `<name>.1`, and the `.1` before it is gone. */
const MAX_LOG_BYTES = 10 * 1024 * 1024

/** JSON lines in `<folder>/evenkeel-<shell>.log`, readable by its owner only and written before the call returns. */
export function createLog({ folder, shell, level = 'info' }: { folder: string; shell: string; level?: LevelWithSilent }): Log {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `evenkeel-${shell}.log`)
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) renameSync(file, `${file}.1`)
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  return createLogTo(destination({ dest: file, sync: true }), level)
}

/** The same lines to any stream. Values whose key names a secret never reach it. */
export function createLogTo(stream: DestinationStream, level: LevelWithSilent): Log {
  const logger = pino({ level, base: { pid: process.pid }, timestamp: stdTimeFunctions.isoTime }, stream)
  return {
    debug: (message, fields) => logger.debug(redact(fields ?? {}), message),
    info: (message, fields) => logger.info(redact(fields ?? {}), message),
    warn: (message, fields) => logger.warn(redact(fields ?? {}), message),
    error: (message, fields) => logger.error(redact(fields ?? {}), message),
  }
}
