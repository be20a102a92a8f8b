/** What the process inside the room is asked to do; shared with the model, which must hash the same keys. */
export interface TrafficPlan {
  readonly port: number
  readonly requests: number
  /** requests at work while the next is placed, the oldest is answered when there would be more; null: 16 clients, answered at once */
  readonly inFlight: number | null
  /** lines to HAProxy's stats socket, each before the request of that number */
  readonly commands: readonly { readonly before: number; readonly line: string }[]
}

export const statsSocket = '/run/admin.sock'
/** Not the paths that predictions are made with, which would make them right by chance. */
export const itemPath = (item: number): string => `/page/${item}`

/** Spread over 198.18.0.0/15, no two alike within 131 072. */
export function sourceAddress(item: number): string {
  const offset = (item * 7919 + 1) % 131_072
  return `198.${18 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`
}
