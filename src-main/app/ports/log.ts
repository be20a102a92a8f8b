/** Structured log. Secrets are redacted by key name at the sink (`password`, `passphrase`, `auth_data`, `token`, …). */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}
