/** A drill's plan as YAML, with every complaint at its line; and back. */
import * as v from 'valibot'
import { LineCounter, parseDocument, stringify } from 'yaml'
import { DrillPlan, type PlanFinding } from '#contract'
import { checkPlan } from '../../domain/drill/check-plan.ts'
import { pathText } from '../inventory-file.ts'
import { faultFromIssue, lineOf, type PlacePath } from '../yaml-places.ts'

export function parsePlan(text: string): { plan: DrillPlan | null; findings: PlanFinding[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const finding = (severity: PlanFinding['severity'], path: PlacePath, message: string): PlanFinding => ({
    severity,
    path: pathText(path),
    line: lineOf(document, lines, path),
    message,
  })
  if (document.errors.length > 0) {
    const findings = document.errors.slice(0, 10).map((error): PlanFinding => {
      const { line } = lines.linePos(error.pos[0])
      return { severity: 'error', path: '', line, message: `not YAML: ${error.message}` }
    })
    return { plan: null, findings }
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    return { plan: null, findings: [finding('error', [], error instanceof Error ? error.message : String(error))] }
  }
  const parsed = v.safeParse(DrillPlan, value)
  if (!parsed.success) {
    return {
      plan: null,
      findings: parsed.issues.map(faultFromIssue).map(({ path, message }) => finding('error', path, message)),
    }
  }
  const findings = checkPlan(parsed.output).map(({ severity, path, message }) => finding(severity, path, message))
  return { plan: findings.some(({ severity }) => severity === 'error') ? null : parsed.output, findings }
}

export function planText(plan: DrillPlan): string {
  const says = { ...plan, ...(plan.notify.length === 0 ? { notify: undefined } : {}) }
  const document = stringify(JSON.parse(JSON.stringify(says)), { lineWidth: 100 })
  return `# A drill of Evenkeel: "evenkeel drill plan FILE" shows what it would do, "evenkeel drill run FILE" does it.\n${document}`
}
