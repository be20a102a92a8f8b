import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ConfigText, NodeConfig, NodeConfigFile, NodeId } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'

const haproxyCfg = '/etc/haproxy/haproxy.cfg'
const siteConf = '/etc/nginx/conf.d/site.conf'
const keepalivedConf = '/etc/keepalived/keepalived.conf'

describeLab('configuration as it lies on four nodes', () => {
  let lab: Lab
  let place: Workplace
  let console: ConsoleOnLab

  const fetchOf = (node: string, secrets = false): Promise<NodeConfig> =>
    console.client.call('config.fetch', { node: node as NodeId, secrets })
  const fileOf = async (node: string, path: string): Promise<NodeConfigFile> => {
    const file = (await fetchOf(node)).files.find((each) => each.path === path)
    if (file === undefined) throw new Error(`${node} has no ${path}.`)
    return file
  }
  const texts = ({ files }: NodeConfig): ConfigText[] => files.map(({ path, kind, text }) => ({ path, kind, text: text ?? '' }))
  /** by hand, at a time that no clock of whole seconds takes for the process's own */
  const edit = async (node: string, path: string, script: string): Promise<void> => {
    const { code, stderr } = await lab.exec(node, ['sh', '-c', `sed -i '${script}' ${path} && touch -d '+3 seconds' ${path}`])
    expect(code, stderr).toBe(0)
  }

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile, '--no-probe')
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    console = await openConsole(place)
  })
  afterEach(() => lab.restoreAll())
  afterAll(async () => {
    await console?.close()
    place?.clear()
  })

  it('is the bytes on the nodes, of every file that the daemons read', async () => {
    for (const { id } of lab.topology.nodes) {
      const { files, failures } = await fetchOf(id, true)
      expect(failures).toEqual([])
      const nginx = await lab.exec(id, ['nginx', '-T'])
      const expected = [...nginx.stdout.matchAll(/^# configuration file (.*):$/gm)].map(([, path]) => path)
      expect(files.map(({ path }) => path).sort()).toEqual([haproxyCfg, keepalivedConf, ...expected].sort())
      for (const { path, text, encoding, sha256, bytes, mode, owner, error } of files) {
        const onNode = await lab.exec(id, ['sh', '-c', `base64 -w0 ${path}; echo; stat -L -c '%a %U:%G' ${path}`])
        const [content = '', facts] = onNode.stdout.split('\n')
        const there = Buffer.from(content, 'base64')
        expect(error).toBeNull()
        expect(Buffer.from(text ?? '', encoding).equals(there), `${id}:${path}`).toBe(true)
        expect(sha256).toBe(createHash('sha256').update(there).digest('hex'))
        expect(bytes).toBe(there.length)
        expect(`${mode} ${owner}`).toBe(facts)
      }
    }
  })

  it('finds a certificate that runs out where the file names it, as only the node can tell', async () => {
    const site =
      'server { listen 127.0.0.1:8443 ssl; ssl_certificate /etc/nginx/soon.pem; ssl_certificate_key /etc/nginx/soon.key; }'
    await lab.exec('lb1', ['sh', '-c', `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /etc/nginx/soon.key -out /etc/nginx/soon.pem -days 5 -subj /CN=soon 2>/dev/null && echo '${site}' > /etc/nginx/conf.d/soon.conf`]) // prettier-ignore
    try {
      const { findings } = await fetchOf('lb1')
      expect(findings.find(({ rule }) => rule === 'nginx/certificate-expires-soon')).toMatchObject({
        file: '/etc/nginx/conf.d/soon.conf',
        line: 1,
        message: expect.stringMatching(/^\/etc\/nginx\/soon.pem expires on .*, in [45] days \(CN=soon\)$/) as string,
      })
    } finally {
      await lab.exec('lb1', ['rm', '-f', '/etc/nginx/soon.pem', '/etc/nginx/soon.key', '/etc/nginx/conf.d/soon.conf'])
    }
  })

  it('shows no password unless it is asked for, and the same mask for the same password', async () => {
    const [one, other] = [await fileOf('lb1', keepalivedConf), await fileOf('lb2', keepalivedConf)]
    expect(one).toMatchObject({ masked: 1 })
    expect(one.text).not.toContain('labpass1')
    const maskOf = (file: NodeConfigFile): string | undefined => /auth_pass (\S+)/.exec(file.text ?? '')?.[1]
    expect(maskOf(one)).toMatch(/^\*\*\*[0-9a-f]{4}$/)
    expect(maskOf(other)).toBe(maskOf(one))
    await edit('lb2', keepalivedConf, 's/labpass1/another/')
    const { changes, files } = await console.client.call('config.diff', {
      before: texts(await fetchOf('lb1')),
      after: texts(await fetchOf('lb2')),
    })
    expect(changes).toContainEqual(expect.objectContaining({ what: 'router.auth', impact: 'both-members' }))
    expect(JSON.stringify([changes, files])).not.toMatch(/labpass1|another/)
  })

  it('tells that members of a pair differ by a hand edit, and that HAProxy has not loaded it until its reload', async () => {
    const before = texts(await fetchOf('lb1'))
    expect((await fileOf('lb2', haproxyCfg)).loaded).toBe('loaded')
    await edit('lb2', haproxyCfg, 's/\\(server web2 .*\\) check/\\1 check weight 7/')
    const edited = await fetchOf('lb2')
    const { changes } = await console.client.call('config.diff', { before, after: texts(edited) })
    expect(changes.filter(({ perNode }) => !perNode)).toEqual([
      expect.objectContaining({ what: 'server.weight', subject: 'be_web/web2', before: '1', after: '7', impact: 'runtime' }),
    ])
    expect(edited.files.find(({ path }) => path === haproxyCfg)?.loaded).toBe('not-loaded')
    // by now the reload is later than the file
    await lab.exec('lb2', ['sh', '-c', `touch ${haproxyCfg}; sleep 2; kill -USR2 $(head -1 /run/haproxy.pid)`])
    await expect.poll(async () => (await fileOf('lb2', haproxyCfg)).loaded, { timeout: 15_000, interval: 500 }).toBe('loaded')
  })

  it('reads what nginx would refuse, with its findings, and says that it is not loaded', async () => {
    await edit('lb4', siteConf, 's/keepalive 16;/keepalive 16/')
    const { files, findings } = await fetchOf('lb4')
    expect(files.find(({ path }) => path === siteConf)).toMatchObject({ loaded: 'not-loaded', error: null })
    expect(findings).toContainEqual(expect.objectContaining({ rule: 'nginx/syntax', severity: 'error', file: siteConf }))
    expect(files.find(({ path }) => path === haproxyCfg)?.loaded).toBe('loaded')
  })

  it('knows by what keepalived runs that a newer file is not loaded, and leaves open what it cannot know', async () => {
    await edit('lb1', keepalivedConf, 's/priority 150/priority 151/')
    expect((await fileOf('lb1', keepalivedConf)).loaded).toBe('not-loaded')
    await edit('lb1', keepalivedConf, 's/priority 151/priority 150/')
    expect((await fileOf('lb1', keepalivedConf)).loaded).toBe('unknown')
  })

  it('shows a file that cannot be read beside those that can', async () => {
    await lab.exec('lb4', ['chmod', '600', siteConf])
    const { files } = await fetchOf('lb4')
    expect(files.find(({ path }) => path === siteConf)).toMatchObject({ text: null, error: { code: 'exec.not-permitted' } })
    expect(files.filter(({ text }) => text !== null).length).toBe(files.length - 1)
    await lab.exec('lb4', ['chmod', '644', siteConf])
  })

  it('is written below a folder by the command line, compared node by node, and linted', async () => {
    const out = join(place.home, 'out')
    const got = await place.evenkeel('config', 'get', 'lb1', '--service', 'haproxy', '--out', out)
    expect(got, got.stderr).toMatchObject({ code: 0 })
    const text = readFileSync(join(out, 'lb1', haproxyCfg), 'utf8')
    expect(text).toBe((await lab.exec('lb1', ['cat', haproxyCfg])).stdout)
    expect(await place.evenkeel('config', 'diff', 'lb1', 'lb2', '--service', 'haproxy')).toMatchObject({ code: 0 })
    await edit('lb2', haproxyCfg, 's/timeout queue 5s/timeout queue 2s/')
    const differing = await place.evenkeel('config', 'diff', `lb1:${haproxyCfg}`, `lb2:${haproxyCfg}`)
    expect(differing.code).toBe(1)
    expect(differing.stdout).toContain(`${haproxyCfg}:18: haproxy timeout defaults queue: 5s → 2s  [reload]`)
    const here = await place.evenkeel('config', 'diff', join(out, 'lb1', haproxyCfg), `lb2:${haproxyCfg}`)
    expect(here.stdout).toContain('-    timeout queue 5s\n+    timeout queue 2s\n')
    const linted = await place.evenkeel('lint', '--node', 'lb1', '--node', 'lb2')
    expect(linted.stdout).toContain(`lb1:${haproxyCfg}:60:1: warning: be_static/static1 is not checked`)
    expect(await place.evenkeel('config', 'get', 'nobody')).toMatchObject({ code: 2 })
  }, 150_000)

  it('is one file for both members, with what each has for itself by its name', async () => {
    const nodes = ['lb1', 'lb2'] as const
    const [one = '', other = ''] = await Promise.all(
      nodes.map(async (node) => (await lab.exec(node, ['cat', keepalivedConf])).stdout),
    )
    const { values, elsewhere } = await console.client.call('config.memberValues', { one, other })
    expect(elsewhere).toBe(0)
    expect(values.map(({ what }) => what)).toEqual(expect.arrayContaining(['router_id', 'priority', 'unicast_src_ip']))
    let shared = one
    for (const [index, value] of [...values.entries()].reverse()) {
      shared = `${shared.slice(0, value.one.from)}{{v${index}}}${shared.slice(value.one.to)}`
    }
    const says = (side: 'one' | 'other'): string => values.map((value, index) => `v${index}: "${value[side].text}"`).join(', ')
    const [file, yaml] = [join(place.home, 'keepalived.conf'), join(place.home, 'values.yaml')]
    writeFileSync(file, shared)
    writeFileSync(yaml, `lb1: { ${says('one')} }\nlb2: { ${says('other')} }\n`)
    const push = ['config', 'push', `${file}=${keepalivedConf}`, '--pair', 'edge', '--plan', '--values', yaml]
    const same = await place.evenkeel(...push)
    expect(same.stdout, same.stderr).toContain('# lb1 has all of it already\n# lb2 has all of it already\n')
    writeFileSync(file, shared.replace('advert_int 1', 'advert_int {{advert}}'))
    const missing = await place.evenkeel(...push)
    expect(missing).toMatchObject({ code: 2 })
    expect(missing.stderr).toMatch(/keepalived\.conf:\d+: .*values\.yaml gives lb[12] no value "advert"/)
  }, 150_000)
})
