export interface SparkPoint {
  readonly x: number
  readonly y: number
}

/**
 * An SVG path for a word-sized line in a box of `width` × `height`: zero at the bottom, gaps where the value is null.
 * `last` is where the dot stands, null when the newest value is not known.
 */
export function sparkPath(
  values: readonly (number | null)[],
  width: number,
  height: number,
): { path: string; last: SparkPoint | null } {
  const inset = 2
  const top = values.reduce<number>((max, value) => Math.max(max, value ?? 0), 0)
  const stepX = values.length > 1 ? (width - 2 * inset) / (values.length - 1) : 0
  const round = (value: number) => Math.round(value * 10) / 10
  const pointAt = (value: number, index: number): SparkPoint => ({
    x: round(inset + index * stepX),
    // a line that is always zero lies at the bottom, one that never moves at two thirds
    y: round(height - inset - (top === 0 ? 0 : (value / (top * 1.5)) * (height - 2 * inset))),
  })
  let path = ''
  let open = false
  values.forEach((value, index) => {
    if (value === null) {
      open = false
      return
    }
    const { x, y } = pointAt(value, index)
    path += `${open ? 'L' : 'M'}${x} ${y}`
    open = true
  })
  const newest = values.at(-1)
  return { path, last: newest === null || newest === undefined ? null : pointAt(newest, values.length - 1) }
}
