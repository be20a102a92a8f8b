/** Something that speaks against a configuration, or at least about it. */
export interface CheckProblem {
  severity: 'error' | 'warning'
  message: string
  path: string | null
  /** 1-based */
  line: number | null
}
