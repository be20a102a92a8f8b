/** Daemons that end, crash or hang. */
import { shown } from '../shown-command.ts'
import { processFunctions, type FaultScripts } from './fault-scripts.ts'

/** What a daemon runs as, and what has to be done to have it again. */
export interface Origin {
  unit: string | null
  argv: readonly string[]
}

/* A daemon that was killed leaves its pid file behind, and keepalived does not start when somebody else has that pid by now. */
const startAgain = `${processFunctions}
name=$2 unit=$3; shift 3
override="/run/systemd/system/$unit.d/evenkeel-drill.conf"
if [ -e "$override" ]; then rm -f -- "$override"; rmdir -- "\${override%/*}" 2>/dev/null; systemctl daemon-reload </dev/null || exit; fi
if ! all "$name"; then
  for file in "/run/$name.pid" "/run/$name/$name.pid"; do [ ! -f "$file" ] || rm -f -- "$file"; done
fi
started "$name" "$unit" "$@"
`

/* SIGTERM: keepalived takes its addresses back and says farewell to its peers. */
const stop = `${processFunctions}
all "$2" || { echo "$2 does not run"; exit 1; }
if [ -n "$3" ]; then systemctl stop "$3" </dev/null; else kill -TERM $pids; fi
gone "$2"
`

/*
 * It stays dead, whatever the unit says about that. All are frozen first: a parent would start its children again, and a child of keepalived
 * that sees its parent die gives the addresses up.
 */
const kill = `${processFunctions}
all "$2" || { echo "$2 does not run"; exit 1; }
if [ -n "$3" ] && [ "$(systemctl show -p Restart --value -- "$3")" != no ]; then
  mkdir -p -- "/run/systemd/system/$3.d" && printf '[Service]\\nRestart=no\\n' > "/run/systemd/system/$3.d/evenkeel-drill.conf" &&
    systemctl daemon-reload </dev/null || exit
fi
kill -STOP $pids; kill -KILL $pids
gone "$2"
`

/* Who was stopped is written down before, with when it was started: a pid may be another's later. */
const hang = `${processFunctions}
all "$2" || { echo "$2 does not run"; exit 1; }
for pid in $pids; do stat=$(cat "/proc/$pid/stat") || continue; stat=\${stat##*) }; echo "$pid $(echo "$stat" | cut -d' ' -f20)"; done > "$1/stopped.new"
mv -- "$1/stopped.new" "$1/stopped" || exit
kill -STOP $pids
`
const wake = `
[ -e "$1/stopped" ] || exit 0
while read -r pid started; do
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
  [ "$(echo "\${stat##*) }" | cut -d' ' -f20)" != "$started" ] || kill -CONT "$pid"
done < "$1/stopped"
`

const startShown = (name: string, { unit, argv }: Origin): string[] =>
  unit === null ? [`pgrep -x ${name} || ${shown('setsid', ...argv)}`] : [`systemctl start ${unit}`]

const killShown = (name: string, { unit }: Origin): string[] => [
  ...(unit === null
    ? []
    : [
        `printf '[Service]\\nRestart=no\\n' > /run/systemd/system/${unit}.d/evenkeel-drill.conf  # unless it says so already`,
        'systemctl daemon-reload',
      ]),
  `pkill -STOP ${name}; pkill -KILL ${name}`,
]

export function keepalivedStop(origin: Origin): FaultScripts {
  const { unit, argv } = origin
  return {
    inject: stop,
    undo: startAgain,
    args: ['keepalived', unit ?? '', ...argv],
    blastRadius: 'every virtual address of this node, of all its virtual routers; connections through them break',
    shown: {
      inject: [unit === null ? 'pkill -TERM -x keepalived' : `systemctl stop ${unit}`],
      revert: startShown('keepalived', origin),
    },
    tools: [],
  }
}

export function keepalivedKill(origin: Origin): FaultScripts {
  const { unit, argv } = origin
  return {
    inject: kill,
    undo: startAgain,
    args: ['keepalived', unit ?? '', ...argv],
    blastRadius: 'every virtual router of this node: its addresses stay behind while another member takes them as well',
    shown: { inject: killShown('keepalived', origin), revert: startShown('keepalived', origin) },
    tools: [],
  }
}

export function balancerCrash(name: string, origin: Origin): FaultScripts {
  const { unit, argv } = origin
  return {
    inject: kill,
    undo: startAgain,
    args: [name, unit ?? '', ...argv],
    blastRadius: `every connection through ${name} on this node breaks`,
    shown: {
      inject: killShown(name, origin),
      revert: startShown(name, origin),
    },
    tools: [],
  }
}

export function balancerHang(name: string): FaultScripts {
  return {
    inject: hang,
    undo: wake,
    args: [name],
    blastRadius: `every connection through ${name} on this node stands still; new ones are taken by the kernel and get no answer`,
    shown: { inject: [`pkill -STOP ${name}`], revert: [`pkill -CONT ${name}`] },
    tools: [],
  }
}
