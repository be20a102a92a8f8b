/** How a practice backend is at the moment; a scenario changes it at any time. */
export interface Behaviour {
  /** `stopped`: connections are refused. `black-hole`: they are taken and nothing is ever answered. */
  readonly presence: 'running' | 'stopped' | 'black-hole'
  /** what `/health` says: 200; 503; 200 with `degraded`, since something it depends on fails */
  readonly health: 'well' | 'failing' | 'degraded'
  /** turns `well` and `failing` into each other this often; null: does not flap */
  readonly flapMs: number | null
  /** before every answer: this, plus up to the jitter */
  readonly latencyMs: number
  readonly jitterMs: number
  /** share of the requests, 0 to 1, answered 500 */
  readonly errorRate: number
}

export const wellBehaved: Behaviour = {
  presence: 'running',
  health: 'well',
  flapMs: null,
  latencyMs: 0,
  jitterMs: 0,
  errorRate: 0,
}
