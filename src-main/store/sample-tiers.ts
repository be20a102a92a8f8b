/** The roll-ups, finest first. A row of a tier holds averages over [t, t + widthMs), or stands longer where readings are further apart. */
export const tiers = [
  { name: 'minute', table: 'sample_minute', source: 'sample_raw', widthMs: 60_000 },
  { name: 'hour', table: 'sample_hour', source: 'sample_minute', widthMs: 3_600_000 },
] as const

export type Tier = (typeof tiers)[number]

/** In column order, for every sample table. */
export const figureColumns = 'sessions, queue, rate, error_rate, response_ms'
