import type { ConfigDirective, ConfigOutline } from '#contract'
import type { Statement } from '../keepalived/config-tree.ts'
import { isMask } from '../config-text/mask-secrets.ts'
import { addressesOf, trackedBy, valueOf, type KeepalivedFile } from '../keepalived/config-view.ts'

export function keepalivedOutline({ instances, scripts }: KeepalivedFile): Partial<ConfigOutline> {
  return {
    virtualRouters: instances.map((instance) => {
      const vrid = valueOf(instance, 'virtual_router_id')
      return {
        file: instance.file,
        line: instance.line,
        column: instance.column,
        name: instance.name,
        vrid: vrid === undefined ? null : Number(vrid),
        interface: valueOf(instance, 'interface') ?? null,
        priority: Number(valueOf(instance, 'priority') ?? 100),
        advertIntS: Number(valueOf(instance, 'advert_int') ?? 1),
        addresses: addressesOf(instance),
        tracks: (['track_script', 'track_file', 'track_process'] as const).flatMap((kind) =>
          trackedBy(instance, kind).map(({ name }) => name),
        ),
      }
    }),
    scripts: scripts.map((script) => ({ ...script })),
  }
}

/** Without the password: whoever needs that reads the file. A mask stays as it is, since one password can be told from another by it. */
export function keepalivedDirectives(statements: readonly Statement[]): ConfigDirective[] {
  return statements.map(({ words, line, block }) => ({
    words: words.map(({ value }, index) => (index > 0 && words[0].value === 'auth_pass' && !isMask(value) ? '•••' : value)),
    line,
    column: words[0].start + 1,
    block: block === null ? null : keepalivedDirectives(block),
  }))
}
