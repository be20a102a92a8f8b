/*
 * What runs on a node while its configuration is being changed. Every script is constant; what it works on are its arguments.
 *
 * Model: one folder for each daemon, /var/lib/evenkeel/KIND. That it exists is the lock, and `mkdir` decides who has it. It holds who and
 * why (`owner`, `reason`, `since`, `expires`), and for file N its real path, the hash it had and the hash it is to have. The file of before
 * is kept beside the live one, as another link to the same bytes under a name that no include pattern takes: to put it back is one rename
 * on one file system, which gives back owner, mode, label and time as they were and needs no room on a full disk.
 *
 * `restore.sh` does that, once `replacing` says that there is anything to put back: what another hand wrote before that stays. What another
 * hand wrote over the new file is kept aside, as another link again.
 *
 * It is started by a timer of systemd, or by a process of its own session where there is none, and by whoever wants
 * it now. The link `claimed` is made by one of them at a time and says who, in which boot, as which process: what was left by a process that
 * is gone is taken over, so that a restoration cut short is done again from the beginning, and it may be repeated. Whoever confirms takes
 * `claimed` for good. Whoever replaces a file has it for that moment, so that bytes held up with the network come too late for a file that was
 * put back. After a start of the machine the folder and the old files are still there, only nothing will act by itself any more:
 * the next console finds the lock and says so.
 */
import { unitScript } from './process-origin.ts'

const prelude = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
umask 077
hash() { sum=$(sha256sum < "$1") && printf '%s' "\${sum%% *}"; }
boot=$(cat /proc/sys/kernel/random/boot_id)
`

/** Sets `alive` where something on the node will still restore. */
const aliveScript = `
alive=
if [ "$(cat "$dir/boot" 2>/dev/null)" = "$boot" ]; then
  if [ -s "$dir/pid" ]; then
    pid=$(cat "$dir/pid"); case $(tr '\\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null) in *"$dir"*) alive=1 ;; esac
  elif [ -d /run/systemd/system ]; then systemctl is-active --quiet "evenkeel-$id.timer" "evenkeel-$id.service" && alive=1
  fi
fi
`

/** Ends what would restore later, and forgets the files of before. */
const tidyScript = `${aliveScript}
if [ -n "$alive" ]; then
  if [ -s "$dir/pid" ]; then kill -- "-$pid"; else systemctl stop "evenkeel-$id.timer" </dev/null; fi
fi
n=1
while [ -e "$dir/$n.live" ]; do live=$(cat "$dir/$n.live"); rm -f -- "\${live%/*}/.\${live##*/}.evenkeel-$id"; n=$((n + 1)); done
rm -rf -- "$dir"
`

/** $1: folder, $2: id, $3: who: `guard`, `console`, or `files`: ours alone, while the daemon has not read them; the guard stays. */
export const restoreScript = `${prelude}
dir=$1 id=$2 who=$3 tries=0
if [ "$(cat "$dir/id" 2>/dev/null)" != "$id" ]; then echo 'nothing to do: there is no such lock'; exit 0; fi
until ln -sn "$who $boot $$" "$dir/claimed" 2>/dev/null; do
  if [ ! -d "$dir" ]; then echo 'nothing to do: the lock is gone'; exit 0; fi
  claim=$(readlink "$dir/claimed"); by=\${claim%% *}; pid=\${claim##* }; since=\${claim#* }
  if [ "$by" = confirm ]; then echo 'nothing to do: it was confirmed'; exit 0; fi
  if [ -n "$claim" ] && { [ "\${since% *}" != "$boot" ] || ! kill -0 "$pid" 2>/dev/null; }; then rm -f -- "$dir/claimed"; fi
  tries=$((tries + 1)); if [ "$tries" -gt 300 ]; then echo "$claim is at it" >&2; exit 1; fi
  [ "$tries" -eq 1 ] || sleep 0.1 2>/dev/null || sleep 1
done
trap 'rm -f -- "$dir/claimed"' EXIT
log() { { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >> "$dir/log"; } 2>/dev/null || :; }
failed=0
if [ "$(cat "$dir/done" 2>/dev/null)" != 0 ] && [ ! -e "$dir/replacing" ]; then
  log "$who: nothing had been replaced"
  [ "$who" = files ] || echo 0 > "$dir/done"
elif [ "$(cat "$dir/done" 2>/dev/null)" != 0 ]; then
  log "$who: putting back what was there before"
  touched= n=1
  while [ -e "$dir/$n.live" ]; do
    live=$(cat "$dir/$n.live"); before=$(cat "$dir/$n.before"); after=$(cat "$dir/$n.after")
    keep="\${live%/*}/.\${live##*/}.evenkeel-$id" now=
    [ ! -f "$live" ] || now=$(hash "$live")
    if [ "$who" = files ] && [ "$now" != "$after" ]; then :
    elif [ "$now" != "$before" ]; then
      if [ "$who" != files ]; then touched=1; touch "$dir/touched" 2>/dev/null; fi
      if [ -n "$now" ] && [ "$now" != "$after" ]; then
        ln -- "$live" "$keep.other" && log "$live had been changed by another hand since; that is kept as $keep.other"
      fi
      if [ -z "$before" ]; then rm -f -- "$live" && log "$live was removed again"
      else [ "$(hash "$keep")" = "$before" ] && ln -f -- "$keep" "$keep.back" && mv -f -- "$keep.back" "$live" && log "$live was put back"
      fi || { failed=1; log "$live could not be put back"; }
    fi
    n=$((n + 1))
  done
  if [ "$who" = files ]; then [ "$failed" != 0 ] || rm -f -- "$dir/replacing"
  else
    if [ -n "$touched" ] || [ -e "$dir/touched" ]; then
      said=$(xargs -0 sh "$dir/revive.sh" < "$dir/revive.args" 2>&1) || failed=1
      log "$said"
    fi
    [ "$failed" != 0 ] || rm -f -- "$dir/touched"
    echo "$failed" > "$dir/done"
  fi
fi
cat "$dir/log" 2>/dev/null
if [ "$who" = console ] && [ "$failed" = 0 ]; then
  echo "restored $id" > "$dir.last"
  ${tidyScript}
fi
exit "$failed"
`

/**
 * Has a daemon read its files again, or starts it where it has ended.
 * $1: name of the program, $2: pid it had, $3: signal, $4: systemd unit or nothing, $5 …: what it was started with.
 */
export const reviveScript = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
name=$1 pid=$2 signal=$3 unit=$4; shift 4
is() {
  [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$name" ] && [ "$(stat -c %u "/proc/$1" 2>/dev/null)" = 0 ] || return 1
  stat=$(cat "/proc/$1/stat" 2>/dev/null) && stat=\${stat##*) } && parent=\${stat#* } && parent=\${parent%% *}
  case $stat in Z*|X*) return 1 ;; esac
}
main() {
  if is "$pid" && ! is "$parent"; then return 0; fi
  for each in /proc/[0-9]*; do pid=\${each#/proc/}; if is "$pid" && ! is "$parent"; then return 0; fi; done
  return 1
}
if main; then kill "-$signal" "$pid" && echo "told $name ($pid) to read its files again"; exit; fi
if [ -n "$unit" ]; then systemctl restart "$unit" </dev/null || exit; else
  [ $# -gt 0 ] || { echo "$name does not run, and how it is started is not known"; exit 1; }
  setsid "$@" </dev/null >/dev/null 2>&1 &
fi
tries=0
until main; do tries=$((tries + 1)); [ "$tries" -lt 10 ] || { echo "$name did not start"; exit 1; }; sleep 1; done
echo "$name had ended and was started again"
`

/**
 * $1: folder, $2: id, $3: seconds, $4: owner, $5: reason, $6, $7: the two scripts above, $8: number of words that start the daemon again
 * (0: those of its process), then its name, its pid, the signal, those words, and three for each file: path, hash of before (nothing: no such file),
 * hash of after. Says one word, then what it is about.
 */
export const armScript = `${prelude}${unitScript}
said=
say() { said=1; printf '%s\\0' "$@"; }
dir=$1 id=$2 seconds=$3 n=0
mkdir -p -- "\${dir%/*}" || { say unwritten; exit 1; }
if ! mkdir -- "$dir" 2>/dev/null; then
  [ -d "$dir" ] || { say unwritten; mkdir -- "$dir"; exit 1; }
  if [ "$(cat "$dir/done" 2>/dev/null)" = 0 ]; then rm -rf -- "$dir"; mkdir -- "$dir"; else
    say held "$(cat "$dir/owner")" "$(cat "$dir/reason")"; exit 1
  fi
fi
armed=
undo() {
  [ -z "$armed" ] || return
  while [ "$n" -gt 0 ]; do live=$(cat "$dir/$n.live"); rm -f -- "\${live%/*}/.\${live##*/}.evenkeel-$id"; n=$((n - 1)); done
  rm -rf -- "$dir"
  [ -n "$said" ] || say unwritten
}
trap undo EXIT
set -e
printf '%s' "$4" > "$dir/owner"; printf '%s' "$5" > "$dir/reason"; printf '%s' "$2" > "$dir/id"
printf '%s' "$6" > "$dir/restore.sh"; printf '%s' "$7" > "$dir/revive.sh"; printf '%s' "$boot" > "$dir/boot"
args=$8 name=$9; shift 9
unit_of "$1"
printf '%s\\0' "$name" "$1" "$2" "$unit" > "$dir/revive.args"
if [ "$args" = 0 ]; then cat "/proc/$1/cmdline" >> "$dir/revive.args" 2>/dev/null || :; fi
shift 2
while [ "$args" -gt 0 ]; do printf '%s\\0' "$1" >> "$dir/revive.args"; shift; args=$((args - 1)); done
while [ $# -gt 0 ]; do
  live=$(readlink -f -- "$1") || { say missing "$1"; exit 1; }
  if [ -z "$2" ]; then [ ! -e "$live" ] || { say changed "$live"; exit 1; }
  else
    [ -f "$live" ] || { say missing "$live"; exit 1; }
    [ "$(hash "$live")" = "$2" ] || { say changed "$live"; exit 1; }
    keep="\${live%/*}/.\${live##*/}.evenkeel-$id"
    ln -- "$live" "$keep" || cp -a -- "$live" "$keep"
  fi
  n=$((n + 1))
  printf '%s' "$live" > "$dir/$n.live"; printf '%s' "$2" > "$dir/$n.before"; printf '%s' "$3" > "$dir/$n.after"
  shift 3
done
now=$(date +%s)
echo "$now" > "$dir/since"; echo $((now + seconds)) > "$dir/expires"
sync "$dir" 2>/dev/null || :
if [ -d /run/systemd/system ]; then
  systemd-run --quiet --collect --unit="evenkeel-$id" --on-active="$seconds" --timer-property=AccuracySec=100ms \\
    /bin/sh "$dir/restore.sh" "$dir" "$id" guard </dev/null
  systemctl is-active --quiet "evenkeel-$id.timer"
else
  setsid sh -c 'echo $$ > "$1/pid"; sleep "$2"; exec sh "$1/restore.sh" "$1" "$3" guard' evenkeel "$dir" "$seconds" "$id" \\
    </dev/null >/dev/null 2>&1 &
  tries=0
  until [ -s "$dir/pid" ] || [ "$tries" -gt 500 ]; do tries=$((tries + 1)); sleep 0.01 2>/dev/null || sleep 1; done
  kill -0 "$(cat "$dir/pid")"
fi
armed=1
say armed
`

/** $1: folder, $2: id, $3: `begin` before the first file is replaced. Whether it is still this one's and nobody has begun to restore. */
export const heldScript = `
[ "$(cat "$1/id" 2>/dev/null)" = "$2" ] && [ ! -h "$1/claimed" ] && [ ! -e "$1/done" ] || exit 1
[ "$3" != begin ] || touch "$1/replacing"
`

/** $1: folder, $2: id. Says `confirmed`, or `restored` and the log where the guard was faster. */
export const confirmScript = `${prelude}
dir=$1 id=$2
if [ "$(cat "$dir/id" 2>/dev/null)" != "$id" ]; then
  if [ "$(cat "$dir.last" 2>/dev/null)" = "confirmed $id" ]; then echo confirmed; else echo restored; cat "$dir.last" 2>/dev/null; fi
  exit 0
fi
if ! ln -sn "confirm $boot $$" "$dir/claimed" 2>/dev/null; then
  case $(readlink "$dir/claimed") in confirm*) ;; *) echo restored; cat "$dir/log"; exit 0 ;; esac
fi
if [ -e "$dir/done" ]; then rm -f -- "$dir/claimed"; echo restored; cat "$dir/log"; exit 0; fi
echo "confirmed $id" > "$dir.last"
${tidyScript}
echo confirmed
`

/** $1: folder. Seven fields: id, owner, reason, since, expires, state, log; nothing where there is no lock. */
export const standingScript = `${prelude}
dir=$1
[ -d "$dir" ] || exit 0
id=$(cat "$dir/id")
${aliveScript}
case $(cat "$dir/done" 2>/dev/null) in
  0) state=restored ;;
  '') if [ -n "$alive" ]; then state=armed; else state=lost; fi ;;
  *) state=failed ;;
esac
printf '%s\\0' "$id" "$(cat "$dir/owner")" "$(cat "$dir/reason")" "$(cat "$dir/since")" "$(cat "$dir/expires" 2>/dev/null)" "$state" \\
  "$(cat "$dir/log" 2>/dev/null)"
`
