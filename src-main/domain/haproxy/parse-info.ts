import { UnexpectedReply } from './unexpected-reply.ts'

/** What `show info` says of one worker process. */
export interface WorkerInfo {
  version: string
  pid: number
  uptimeS: number
  /** connections open on all frontends; the CLI's own are not counted (2.6.12) */
  connections: number
  /** true: an old worker that serves its last sessions after a reload */
  stopping: boolean
}

/** `Key: value` lines. Five of sixty are wanted, so they are looked for and the rest is not cut up. */
export function parseInfo(text: string): WorkerInfo {
  const lines = `\n${text}\n`
  const valueOf = (key: string): string | undefined => {
    const at = lines.indexOf(`\n${key}: `)
    return at === -1 ? undefined : lines.slice(at + key.length + 3, lines.indexOf('\n', at + 1))
  }
  const number = (key: string): number => {
    const value = valueOf(key)
    if (value === undefined || !/^\d+$/.test(value)) {
      throw new UnexpectedReply(`The reply to "show info" has no number for "${key}".`, text)
    }
    return Number(value)
  }
  return {
    version: valueOf('Version') ?? '',
    pid: number('Pid'),
    uptimeS: number('Uptime_sec'),
    connections: number('CurrConns'),
    stopping: valueOf('Stopping') === '1',
  }
}
