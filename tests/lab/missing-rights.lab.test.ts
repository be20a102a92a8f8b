import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { ProbeReport } from '#contract'
import { makeWorkplace, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { moveIn, operatorAt } from './operator.ts'

const sudoers = '/etc/sudoers.d/evenkeel-lab'
let lab: Lab
let place: Workplace

describeLab('an account without the rights that reading needs', () => {
  beforeAll(async () => {
    lab = await ensureLab()
  })
  beforeEach(async () => {
    place = makeWorkplace()
    const imported = await operatorAt(place).evenkeel('inventory', 'import', '--no-probe', moveIn(lab, place))
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  afterEach(async () => {
    place.clear()
    await lab.restoreAll()
  })

  async function findingsOf(node: string): Promise<ProbeReport['findings']> {
    const { stdout, stderr } = await operatorAt(place).evenkeel('probe', node, '--json')
    expect(stdout, stderr).not.toBe('')
    return (JSON.parse(stdout) as ProbeReport).findings
  }

  it('names the sudoers line for nginx and for keepalived, and needs nothing once it is there', async () => {
    const { stdout: rules } = await lab.exec('lb4', ['cat', sudoers])
    await lab.exec('lb4', ['rm', sudoers])
    try {
      const findings = await findingsOf('lb4')
      for (const rule of ['nginx.not-permitted', 'keepalived.not-permitted']) {
        const fix = findings.find((finding) => finding.rule === rule)?.fix
        expect(fix?.line, rule).toMatch(/^ops ALL=\(root\) NOPASSWD: \//)
      }
    } finally {
      await lab.exec('lb4', ['tee', sudoers], { stdin: rules })
      await lab.exec('lb4', ['chmod', '440', sudoers])
    }
    expect((await findingsOf('lb4')).map(({ rule }) => rule)).not.toContainEqual(expect.stringMatching(/not-permitted$/))
  })
})
