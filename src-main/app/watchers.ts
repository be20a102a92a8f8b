/** Which windows are visible now. Reading pauses when none is, but not before the first one has said anything. */
export interface Watchers {
  watch(connection: string, visible: boolean): void
  /** nobody looks, and somebody could have */
  nobodyLooks(): boolean
}

export function createWatchers(onChange: () => void): Watchers {
  const visible = new Set<string>()
  let heard = false
  return {
    watch(connection, isVisible) {
      const before = !heard || visible.size > 0
      heard = true
      if (isVisible) visible.add(connection)
      else visible.delete(connection)
      if (before !== visible.size > 0) onChange()
    },
    nobodyLooks: () => heard && visible.size === 0,
  }
}
