/**
 * keepalived's text dump (SIGNUM DATA, keepalived 2.2.7). The manual calls its format unstable, so it is only asked for what the
 * JSON dump does not say (what is tracked, with which weight and result), and for everything by daemons built without JSON.
 * The script that fetches it removes `Password = …` on the node; a line of that kind is skipped here as well.
 */
import { bareAddress, type DumpedInstance, type VrrpState } from './parse-json-dump.ts'

export interface TrackedThing {
  kind: 'script' | 'file' | 'interface' | 'process'
  name: string
  /** the daemon's word: scripts `GOOD` or `BAD`, the value of a file, processes `quorum` or `no quorum`, interfaces `UP` or `DOWN` */
  status: string
  /** where a tracked file is */
  path: string | null
  /** instances that track it; weight 0 means FAULT when it fails */
  instances: { name: string; weight: number }[]
}

interface Block {
  /** text before the first `=`, e.g. `VRRP Script` */
  key: string
  name: string
  fields: Map<string, string>
  /** section headers like `Tracking instances :`, with the lines below them */
  lists: Map<string, string[]>
}

const kinds: Record<string, { kind: TrackedThing['kind']; status: string }> = {
  'VRRP Script': { kind: 'script', status: 'Status' },
  'Track file': { kind: 'file', status: 'Status' },
  'VRRP Track process': { kind: 'process', status: 'Have quorum' },
  Name: { kind: 'interface', status: 'State' },
}

export function parseTracked(text: string): TrackedThing[] {
  return blocksOf(text).flatMap((block) => {
    const known = kinds[block.key]
    if (known === undefined) return []
    const status = block.fields.get(known.status) ?? ''
    const tracking = [...block.lists].find(([header]) => /^Tracking (VRRP )?instances/.test(header))?.[1] ?? []
    return [
      {
        kind: known.kind,
        name: block.name,
        status: statusWord(known.kind, status),
        path: known.kind === 'file' ? (block.fields.get('File') ?? null) : null,
        instances: tracking.flatMap((line) => {
          const found = /^(.*), weight (-?\d+)( reverse)?$/.exec(line)
          return found === null ? [] : [{ name: found[1] ?? '', weight: Number(found[2]) }]
        }),
      },
    ]
  })
}

function statusWord(kind: TrackedThing['kind'], written: string): string {
  if (kind === 'interface') return /^UP, RUNNING\b/.test(written) ? 'UP' : 'DOWN'
  if (kind === 'process') return written === 'true' ? 'quorum' : 'no quorum'
  return written
}

const states: readonly VrrpState[] = ['INIT', 'BACKUP', 'MASTER', 'FAULT']
const stateFrom = (text: string | undefined): VrrpState | null => states.find((state) => text?.startsWith(state)) ?? null

/** The instances as the text dump tells them; used where keepalived was built without JSON. */
export function parseDataInstances(text: string): DumpedInstance[] {
  return blocksOf(text).flatMap((block) => {
    if (block.key !== 'VRRP Instance') return []
    const { fields, lists } = block
    const number = (name: string): number | null => {
      const value = Number.parseFloat(fields.get(name) ?? '')
      return Number.isNaN(value) ? null : value
    }
    const interval = /^([\d.]+) (milli-)?sec/.exec(fields.get('Advert interval') ?? '')
    const transition = number('Last transition')
    return [
      {
        name: block.name,
        vrid: number('Virtual Router ID') ?? 0,
        interface: fields.get('Interface') ?? '',
        state: stateFrom(fields.get('State')),
        wantState: stateFrom(fields.get('Wantstate')),
        basePriority: number('Priority'),
        effectivePriority: number('Effective priority'),
        addresses: [...lists].flatMap(([header, lines]) => (header.startsWith('Virtual IP') ? lines.map(bareAddress) : [])),
        advertIntMs: interval === null ? null : Math.round(Number(interval[1]) * (interval[2] === undefined ? 1000 : 1)),
        nopreempt: fields.has('Preempt') ? fields.get('Preempt') === 'disabled' : null,
        lastTransition: transition === null || transition === 0 ? null : Math.round(transition * 1000),
        counters: {},
      },
    ]
  })
}

/** ` Key = name` at one space opens a block, three spaces give its fields and list headers, five spaces the lists' lines. */
function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let list: string[] | null = null
  for (const line of text.split('\n')) {
    const [, indent = '', rest = ''] = /^( *)(.*)$/.exec(line) ?? []
    const field = /^([^=]+?) = (.*)$/.exec(rest)
    const block = blocks.at(-1)
    if (indent.length <= 1) {
      list = null
      if (field !== null) blocks.push({ key: field[1] ?? '', name: field[2] ?? '', fields: new Map(), lists: new Map() })
    } else if (block === undefined || /^password\b/i.test(rest)) continue
    else if (indent.length === 3) {
      const header = /^(.*?)(?: \(\d+\))? ?:$/.exec(rest)?.[1]
      list = header === undefined ? null : []
      if (header !== undefined && list !== null) block.lists.set(header, list)
      else if (field !== null) block.fields.set(field[1] ?? '', field[2] ?? '')
    } else list?.push(rest)
  }
  return blocks
}
