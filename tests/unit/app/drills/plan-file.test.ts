import { describe, expect, test } from 'vitest'
import { parsePlan, planText } from '../../../../src-main/app/drills/plan-file.ts'
import { plan } from '../../domain/drill/a-drill.ts'

describe('a plan as YAML', () => {
  test('comes back as it was written', () => {
    expect(parsePlan(planText(plan))).toEqual({ plan, findings: [] })
  })

  test('with a wrong value is refused at its line', () => {
    const text = planText(plan).replace('port: 80', 'port: 99999')
    const { plan: none, findings } = parsePlan(text)
    expect(none).toBeNull()
    const line = text.split('\n').findIndex((each) => each.includes('99999')) + 1
    expect(findings).toEqual([expect.objectContaining({ severity: 'error', path: 'probe.port', line }) as object])
  })

  test('with an unknown key, or without a needed one, says so', () => {
    const messages = (text: string) => parsePlan(text).findings.map(({ path, message }) => `${path}: ${message}`)
    expect(messages(`${planText(plan)}colour: red\n`)).toContain('colour: there is no key "colour" here')
    expect(messages(planText(plan).replace(/^hypothesis:.*\n(  .*\n)*/m, ''))).toContain('hypothesis: is missing')
  })

  test('that contradicts itself is refused where it does', () => {
    const { plan: none, findings } = parsePlan(planText({ ...plan, abort: { ...plan.abort, outageMs: 100 } }))
    expect(none).toBeNull()
    expect(findings[0]).toMatchObject({ path: 'abort.outageMs', severity: 'error' })
  })

  test('that is no YAML says where', () => {
    expect(parsePlan('name: [\n').findings[0]).toMatchObject({
      severity: 'error',
      message: expect.stringMatching(/^not YAML/) as string,
    })
    expect(parsePlan('just words').plan).toBeNull()
  })
})
