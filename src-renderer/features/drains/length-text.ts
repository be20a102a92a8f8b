const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const leastMs = 1000
const mostMs = 366 * unitMs.d

/** `90s`, `10m`, `1h 30m`, `2 d` in milliseconds; a bare number is minutes. Null when it is nothing that the border would take. */
export function parseLength(text: string): number | null {
  const trimmed = text.trim().toLowerCase()
  if (/^\d+$/.test(trimmed)) return within(Number(trimmed) * unitMs.m)
  if (!/^(\d+\s*[smhd]\s*)+$/.test(trimmed)) return null
  let total = 0
  for (const [, count, unit] of trimmed.matchAll(/(\d+)\s*([smhd])/g))
    total += Number(count) * unitMs[unit as keyof typeof unitMs]
  return within(total)
}

const within = (ms: number): number | null => (ms >= leastMs && ms <= mostMs ? ms : null)
