/** What is not as it was on a node, in words. Snapshots are plain values by name. */
export function differencesBetween(nodeId: string, before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name) => {
    const [was, is] = [textOf(before[name]), textOf(after[name])]
    return was === is ? [] : [`${nodeId}: ${name} was ${was} and is ${is}`]
  })
}

const textOf = (value: unknown): string => (value === undefined ? 'nothing' : (JSON.stringify(value) ?? 'nothing'))
