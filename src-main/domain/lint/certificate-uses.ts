/** Where the files of a node's balancers name certificates. */
import type { ConfigText, ServiceKind } from '#contract'
import { parseConfig as parseHaproxy } from '../haproxy/config/tree.ts'
import { settingOf, viewOf, type HaproxyView, type Place } from '../haproxy/config/view.ts'
import { parseConfig as parseNginx, type Directive } from '../nginx/parse-config.ts'

/** A line that names a certificate. */
export interface CertificateUse extends Place {
  kind: ServiceKind
  /** absolute; of a file or of a folder */
  path: string
}

export function certificateUses(files: readonly ConfigText[]): CertificateUse[] {
  const of = (kind: ServiceKind) => files.filter((file) => file.kind === kind)
  const haproxy = viewOf(of('haproxy').map(({ path, text }) => ({ path, tree: parseHaproxy(text) })))
  const prefix = (of('nginx')[0]?.path ?? '').replace(/[^/]*$/, '')
  return [
    ...haproxyCertificates(haproxy).map((use) => ({ kind: 'haproxy' as const, ...use })),
    ...nginxCertificates(parseNginx(of('nginx')).directives, prefix).map((use) => ({ kind: 'nginx' as const, ...use })),
  ].filter(({ path }) => path.startsWith('/'))
}

function haproxyCertificates({ global, proxies }: HaproxyView): (Place & { path: string })[] {
  const base = settingOf({ settings: global }, 'crt-base')?.values[0] ?? ''
  return proxies.flatMap(({ binds }) =>
    binds.flatMap(({ options, file, line }) =>
      options.flatMap((word, at) => {
        const path = word === 'crt' ? options[at + 1] : undefined
        return path === undefined ? [] : [{ file, line, path: path.startsWith('/') || base === '' ? path : `${base}/${path}` }]
      }),
    ),
  )
}

function nginxCertificates(directives: readonly Directive[], prefix: string): (Place & { path: string })[] {
  return directives.flatMap(({ name, args, block, file, line }) => {
    const [path] = args
    const own = name === 'ssl_certificate' && path !== undefined && !/\$|^data:/.test(path) ? [path] : []
    return [
      ...own.map((each) => ({ file, line, path: each.startsWith('/') ? each : prefix + each })),
      ...nginxCertificates(block ?? [], prefix),
    ]
  })
}
