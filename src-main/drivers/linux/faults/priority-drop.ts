/*
 * The gentlest fault: the member says of itself that it is worth less, and another one takes over while this one still serves. Where the
 * instance tracks a file, a number in that file does it. Where it does not, the priority in its configuration is lowered and read again,
 * and the file of before comes back with its own bytes, owner and mode.
 */
import { applyEdits } from '#contract'
import { editConfig } from '../../../domain/config-edit/edit-config.ts'
import { parseTree } from '../../../domain/keepalived/config-tree.ts'
import {
  blockOf,
  syncGroupOf,
  trackedBy,
  valueOf,
  valuesOf,
  viewOf,
  type Instance,
  type KeepalivedFile,
} from '../../../domain/keepalived/config-view.ts'
import { sha256Of } from '../guard.ts'
import { shown } from '../shown-command.ts'
import { processFunctions, type FaultScripts } from './fault-scripts.ts'

export interface KeepalivedText {
  path: string
  text: string
}

/** Lowest that keepalived takes, and below any that a peer may sensibly have. */
const lowest = 1

export function priorityDrop(files: readonly KeepalivedText[], name: string): FaultScripts | string {
  const views = files.map(({ path, text }) => viewOf(path, parseTree(text)))
  const instance = views.flatMap(({ instances }) => instances).find((each) => each.name === name)
  if (instance === undefined)
    return `No vrrp_instance is called ${name} in ${files.map(({ path }) => path).join(', ') || 'its files'}.`
  const base = Number(valueOf(instance, 'priority') ?? 100)
  const group = syncGroupOf(views, name)
  // A group moves as a whole, and what its members track has no weight there.
  return group === null ? (byTrackFile(views, instance, base) ?? byConfig(files, [name])) : byConfig(files, group)
}

const writeFile = `
if [ -e "$2" ]; then cp -p -- "$2" "$1/before.new" && mv -- "$1/before.new" "$1/before" || exit; else : > "$1/absent"; fi
printf '%s\\n' "$3" > "$2"
`
/* In place, as it was written: keepalived watches this very file. */
const writeBack = `
if [ -e "$1/before" ]; then cat "$1/before" > "$2"; elif [ -e "$1/absent" ]; then rm -f -- "$2"; fi
`

/** keepalived.conf(5): the number in the file, times the weight, is added to the priority. 0 as weight makes any number a FAULT. */
function byTrackFile(views: readonly KeepalivedFile[], instance: Instance, base: number): FaultScripts | null {
  for (const { name, weight } of trackedBy(instance, 'track_file')) {
    const defined = views
      .flatMap(({ statements }) => statements)
      .find(({ words, block }) => /^(vrrp_)?track_file$/.test(words[0].value) && words[1]?.value === name && block !== null)
    const inside = defined?.block ?? []
    const [path] = valuesOf(inside, 'file')
    const effective = weight ?? Number(valuesOf(inside, 'weight')[0] ?? 1)
    if (path === undefined || !path.startsWith('/') || effective === 0 || !Number.isFinite(effective)) continue
    const value = -Math.sign(effective) * Math.ceil((base - lowest) / Math.abs(effective))
    // -254 and below is a FAULT, which another fault is for
    if (value * effective <= -254) continue
    return {
      inject: writeFile,
      undo: writeBack,
      args: [path, String(value)],
      blastRadius: `${instance.name} on this node; connections through its addresses break when these move`,
      shown: { inject: [`echo ${value} > ${shown(path)}`], revert: [`cat BEFORE > ${shown(path)}`] },
      tools: [],
    }
  }
  return null
}

/* SIGHUP to the process that no other keepalived has started. */
const reread = `
reread() {
  all keepalived || { echo 'keepalived does not run'; return 1; }
  for pid in $pids; do
    stat=$(cat "/proc/$pid/stat") || continue; stat=\${stat##*) }; parent=\${stat#* }
    case " $pids " in *" \${parent%% *} "*) ;; *) kill -HUP "$pid" ;; esac
  done
}
`

/* $2: path, $3: hash of before, $4: the new text in base64. */
const lowerInFile = `${processFunctions}${reread}
live=$(readlink -f -- "$2") || exit
keep="\${live%/*}/.\${live##*/}.evenkeel-drill"
sum=$(sha256sum < "$live"); [ "\${sum%% *}" = "$3" ] || { echo "$live was changed by somebody else since it was read"; exit 1; }
ln -f -- "$live" "$keep" && cp -a -- "$live" "$keep.next" && printf '%s' "$4" | base64 -d > "$keep.next" && mv -f -- "$keep.next" "$live" || exit
reread
`
const raiseInFile = `${processFunctions}${reread}
live=$(readlink -f -- "$2") || exit
keep="\${live%/*}/.\${live##*/}.evenkeel-drill"
rm -f -- "$keep.next"
[ -e "$keep" ] || exit 0
mv -f -- "$keep" "$live" || exit
reread
`

/** Of all instances named, which have to stand in one file: what is put back is one file, at once. */
function byConfig(files: readonly KeepalivedText[], names: readonly string[]): FaultScripts | string {
  const changed = new Map<string, string>()
  for (const router of names) {
    const own = files.map(({ path, text }) => ({ path, text: changed.get(path) ?? text, kind: 'keepalived' as const }))
    const [change] = editConfig(own, {
      kind: 'keepalived',
      what: 'router.set',
      router,
      keyword: 'priority',
      value: String(lowest),
    })
    const text = own.find(({ path }) => path === change?.path)?.text
    if (change === undefined || text === undefined) return `The priority of ${router} cannot be lowered in its files.`
    changed.set(change.path, applyEdits(text, change.edits))
  }
  const [[path, after] = ['', ''], ...others] = changed
  const before = files.find((file) => file.path === path)?.text
  if (before === undefined || others.length > 0) return `${names.join(', ')} move together and stand in several files.`
  const which = names.join(', ')
  return {
    inject: lowerInFile,
    undo: raiseInFile,
    args: [path, sha256Of(Buffer.from(before, 'latin1')), Buffer.from(after, 'latin1').toString('base64')],
    blastRadius: `${which} on this node, whose keepalived reads its file again; connections through the addresses break when these move`,
    shown: {
      inject: [`# ${path}: priority of ${which} becomes ${lowest}`, 'pkill -HUP -o -x keepalived'],
      revert: [`# ${path} as it was`, 'pkill -HUP -o -x keepalived'],
    },
    tools: ['base64', 'sha256sum'],
  }
}

/** Interface of an instance, its addresses without the lengths of their networks, and its advert interval. */
export function placeOf(files: readonly KeepalivedText[], name: string): InstancePlace | null {
  const instance = files.flatMap(({ path, text }) => viewOf(path, parseTree(text)).instances).find((each) => each.name === name)
  if (instance === undefined) return null
  const own = valueOf(instance, 'interface') ?? ''
  const blocks = ['virtual_ipaddress', 'virtual_ipaddress_excluded'].flatMap((keyword) => blockOf(instance.statements, keyword))
  const addresses = blocks.map(({ words }) => {
    const values = words.map(({ value }) => value)
    const device = values[values.indexOf('dev') + 1]
    return { address: values[0]?.split('/')[0] ?? '', interface: values.includes('dev') ? (device ?? own) : own }
  })
  return { interface: own, addresses, advertMs: Math.round(Number(valueOf(instance, 'advert_int') ?? 1) * 1000) }
}

export interface InstancePlace {
  interface: string
  addresses: { address: string; interface: string }[]
  advertMs: number
}
