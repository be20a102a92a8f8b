/** What a fault is made of. Both scripts are constant, get the folder of the drill as $1 and the same arguments after it. */
export interface FaultScripts {
  /** It may take a second or two, no more. Fails when the fault is not there afterwards. */
  inject: string
  /** Leaves everything as it was, from whatever point `inject` was cut at, however often it is run. */
  undo: string
  args: string[]
  blastRadius: string
  /** for a person: what the scripts come to */
  shown: { inject: string[]; revert: string[] }
  /** programs on the node; `one|other`: one of them */
  tools: string[]
}

/** For scripts that find processes and start them again. */
export const processFunctions = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
net=$(readlink /proc/self/ns/net)
# all processes of that name in this network, as pids; those of a container with a network of its own are none of ours
all() {
  pids=
  for each in /proc/[0-9]*; do
    read -r comm 2>/dev/null < "$each/comm" || continue
    case $comm in $1*) ;; *) continue ;; esac
    [ "$(readlink "$each/ns/net" 2>/dev/null)" = "$net" ] || continue
    stat=$(cat "$each/stat" 2>/dev/null) && stat=\${stat##*) } || continue
    case $stat in Z*|X*) continue ;; esac
    pids="$pids \${each#/proc/}"
  done
  [ -n "$pids" ]
}
# $1: name, $2: unit or nothing, $3 …: what it was started with. It runs afterwards, or this fails.
started() {
  name=$1 unit=$2; shift 2
  tries=0
  while ! all "$name"; do
    case $tries in
      0|40)
        if [ -n "$unit" ]; then systemctl start "$unit" </dev/null
        elif [ $# -gt 0 ]; then setsid "$@" </dev/null >/dev/null 2>&1 &
        else echo "$name does not run, and how it is started is not known"; return 1
        fi ;;
      100) echo "$name did not start"; return 1 ;;
    esac
    tries=$((tries + 1)); sleep 0.1 2>/dev/null || sleep 1
  done
}
gone() {
  tries=0
  while all "$1"; do
    tries=$((tries + 1)); [ "$tries" -lt 50 ] || { echo "$1 does not end"; return 1; }
    sleep 0.1 2>/dev/null || sleep 1
  done
}
`
