import { unixPath } from '../../../domain/haproxy/command-line.ts'
import { socketLevels } from '../../../domain/haproxy/config-sockets.ts'
import type { Setting } from '../../../domain/haproxy/config/view.ts'
import type { LineContext } from './keywords.ts'
import type { GlobalSettings, StatsSocket } from './settings.ts'
import { parseTime } from './time.ts'

/** What a machine with the usual 20000 file descriptors for HAProxy makes of no `maxconn`. */
const defaultMaxconn = 9978

/** The `global` section, whose lines are all well. */
export function readGlobal(settings: readonly Setting[], { userId, groupId }: LineContext): GlobalSettings {
  const last = (keyword: string): readonly string[] | null =>
    settings.filter((setting) => setting.keyword === keyword).at(-1)?.values ?? null
  const word = (keyword: string): string | null => last(keyword)?.[0] ?? null
  const number = (keyword: string): number | null => {
    const text = word(keyword)
    return text === null ? null : Number.parseInt(text, 10) || 0
  }
  const stop = word('hard-stop-after')
  const base = word('server-state-base') ?? ''
  const file = word('server-state-file')
  return {
    sockets: settings.flatMap(({ keyword, values }) =>
      keyword === 'stats socket' ? socketOf(values, { userId, groupId }) : [],
    ),
    statsTimeoutMs: parseTime(word('stats timeout') ?? '10s') ?? 10_000,
    statsMaxconn: number('stats maxconn') ?? 10,
    maxconn: number('maxconn') || defaultMaxconn,
    threads: number('nbthread') ?? 2,
    uid: number('uid') ?? userId(word('user') ?? 'root') ?? 0,
    gid: number('gid') ?? groupId(word('group') ?? 'root') ?? 0,
    node: word('node'),
    hardStopAfterMs: stop === null ? null : parseTime(stop),
    stateFile: file === null ? null : file.startsWith('/') ? file : `${base}/${file}`,
    masterWorker: last('master-worker') !== null,
  }
}

function socketOf([address = '', ...options]: readonly string[], { userId, groupId }: LineContext): StatsSocket[] {
  const path = unixPath(address)
  if (path === null) return []
  const value = (name: string): string | null => (options.includes(name) ? (options[options.indexOf(name) + 1] ?? null) : null)
  const level = socketLevels.find((one) => one === value('level')) ?? 'operator'
  return [
    {
      path,
      level,
      mode: Number.parseInt(value('mode') ?? '755', 8),
      uid: Number(value('uid') ?? userId(value('user') ?? 'root') ?? 0),
      gid: Number(value('gid') ?? groupId(value('group') ?? 'root') ?? 0),
    },
  ]
}
