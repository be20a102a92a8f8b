/** Which columns fit, and where they stand. A narrow table gives up the least urgent ones first, then scrolls sideways. */
export const optionalColumns = ['spark', 'check', 'queue', 'errors', 'weight'] as const
export type OptionalColumn = (typeof optionalColumns)[number]

export interface TableLayout {
  readonly shown: ReadonlySet<OptionalColumn>
  /** for `grid-template-columns` */
  readonly template: string
  /** pixels under which the table scrolls sideways */
  readonly minWidth: number
  readonly columnCount: number
}

const width = {
  name: 164,
  state: 102,
  weight: 26,
  word: 80,
  namedWord: 140,
  sessions: 68,
  queue: 22,
  errors: 40,
  check: 84,
  spark: 64,
}
const gap = 6
const padding = 24

function measure(balancers: number, named: boolean, shown: ReadonlySet<OptionalColumn>): TableLayout {
  const columns: { size: string; min: number }[] = []
  const add = (min: number, grow = 0) => columns.push({ min, size: grow > 0 ? `minmax(${min}px, ${grow}fr)` : `${min}px` })
  add(width.name, 3)
  add(width.state)
  if (shown.has('weight')) add(width.weight)
  for (let index = 0; index < balancers; index += 1) {
    add(named ? width.namedWord : width.word, 1)
    add(width.sessions)
    if (shown.has('queue')) add(width.queue)
  }
  if (shown.has('errors')) add(width.errors)
  if (shown.has('check')) add(width.check, 2)
  if (shown.has('spark')) add(width.spark)
  const minWidth = columns.reduce((sum, { min }) => sum + min, 0) + (columns.length - 1) * gap + padding
  return { shown, template: columns.map(({ size }) => size).join(' '), minWidth, columnCount: columns.length }
}

/** `named`: cells carry the balancer's name, so their word needs more room. */
export function layoutFor(available: number, balancers: number, named: boolean): TableLayout {
  const shown = new Set<OptionalColumn>(optionalColumns)
  let layout = measure(balancers, named, shown)
  for (const column of optionalColumns) {
    if (layout.minWidth <= available) break
    shown.delete(column)
    layout = measure(balancers, named, new Set(shown))
  }
  return layout
}
