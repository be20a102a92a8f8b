const families = [
  'request',
  'host',
  'bridge',
  'node',
  'ssh',
  'exec',
  'inventory',
  'config',
  'daemon',
  'job',
  'drain',
  'practice',
  'store',
  'vault',
] as const
export type ErrorFamily = (typeof families)[number]

/** The part of an error code before the dot, which has a title in both languages (`words.error.*`). */
export function errorFamily(code: string): ErrorFamily {
  const family = code.split('.')[0]
  return families.find((one) => one === family) ?? 'host'
}
