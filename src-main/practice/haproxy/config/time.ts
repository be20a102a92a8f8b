const unitMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** HAProxy's times: `30s`, `1500`; null where it would complain. `unit` is taken where none is written. */
export function parseTime(text: string, unit: 's' | 'ms' = 'ms'): number | null {
  const [, count, given] = /^(\d+)(us|ms|s|m|h|d)?$/.exec(text) ?? []
  return count === undefined ? null : Math.round(Number(count) * (unitMs[given ?? unit] ?? 1))
}

/** The character at which a time that `parseTime` refuses goes wrong. */
export const wrongCharacter = (text: string): string => /^\d*(?:us|ms|[smhd])?(.)/.exec(text)?.[1] ?? text.charAt(0)

/** `10k` */
export function parseSize(text: string): number | null {
  const [, count, unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
  return count === undefined ? null : Number(count) * ({ '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase()] ?? 1)
}
