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

/** `Key: value` lines up to the first empty line. */
export function parseInfo(text: string): WorkerInfo {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ')
    if (colon !== -1) values.set(line.slice(0, colon), line.slice(colon + 2))
  }
  const number = (key: string): number => {
    const value = values.get(key)
    if (value === undefined || !/^\d+$/.test(value)) {
      throw new UnexpectedReply(`The reply to "show info" has no number for "${key}".`, text)
    }
    return Number(value)
  }
  return {
    version: values.get('Version') ?? '',
    pid: number('Pid'),
    uptimeS: number('Uptime_sec'),
    connections: number('CurrConns'),
    stopping: values.get('Stopping') === '1',
  }
}
