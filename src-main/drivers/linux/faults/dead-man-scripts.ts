/*
 * The dead man's switch of a drill. Every script is constant; what it works on are its arguments.
 *
 * Model: one folder, /var/lib/evenkeel/drill. That it exists is the lock, and `mkdir` decides who has it: one drill on a node at a time. It holds
 * who and why, the scripts of the fault with their arguments, and `expires`, in hundredths of a second of the node's uptime, which no setting of
 * a clock moves. `guard.sh` lives in a process of its own (a transient unit of systemd where there is one, for else a logout may end it) and
 * runs `revert.sh` when `expires` is over; a heartbeat moves it. Whoever reverts makes the link `claimed`, one at a time; a claim of a process
 * that is gone is taken over, so that what was cut short is done again: every undo may be repeated. The fault comes in the same command as
 * its guard, after that is proven to live, so that a connection that breaks cannot leave one without the other.
 *
 * After a start of the machine most faults are gone, but the folder is there: the next console finds it and reverts.
 */

const prelude = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
umask 077
boot=$(cat /proc/sys/kernel/random/boot_id)
uptime() { read -r now rest < /proc/uptime; now=\${now%.*}\${now#*.}; }
`

/** $1: folder, $2: id. */
export const guardScript = `${prelude}
dir=$1 id=$2
echo $$ > "$dir/pid"
while [ "$(cat "$dir/id" 2>/dev/null)" = "$id" ] && [ ! -e "$dir/done" ]; do
  uptime
  read -r expires < "$dir/expires" || exit
  if [ "$now" -ge "$expires" ]; then exec sh "$dir/revert.sh" "$dir" "$id" guard; fi
  sleep 0.2 2>/dev/null || sleep 1
done
`

/** $1: folder, $2: id, $3: who: \`guard\` or \`console\`. Says who reverted it, and the log. */
export const revertScript = `${prelude}
dir=$1 id=$2 who=$3 tries=0
if [ "$(cat "$dir/id" 2>/dev/null)" != "$id" ]; then
  read -r by last < "$dir.last" 2>/dev/null
  if [ "$last" = "$id" ]; then echo "$by"; else echo console; echo 'there is no such fault any more'; fi
  exit 0
fi
until ln -sn "$who $boot $$" "$dir/claimed" 2>/dev/null; do
  [ -d "$dir" ] || { echo "$who"; exit 0; }
  claim=$(readlink "$dir/claimed"); pid=\${claim##* }; since=\${claim#* }
  if [ -n "$claim" ] && { [ "\${since% *}" != "$boot" ] || ! kill -0 "$pid" 2>/dev/null; }; then rm -f -- "$dir/claimed"; fi
  tries=$((tries + 1)); if [ "$tries" -gt 300 ]; then echo "$claim is at it" >&2; exit 1; fi
  [ "$tries" -eq 1 ] || sleep 0.1 2>/dev/null || sleep 1
done
trap 'rm -f -- "$dir/claimed"' EXIT
log() { { printf '%s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >> "$dir/log"; } 2>/dev/null || :; }
failed=0
if [ "$(cat "$dir/done" 2>/dev/null)" != 0 ]; then
  said=$(xargs -0 sh "$dir/undo.sh" "$dir" < "$dir/args" 2>&1) || failed=1
  if [ "$failed" = 0 ]; then log "$who took the fault back"; else log "$who could not take the fault back: $said"; fi
  echo "$who" > "$dir/by"
  echo "$failed" > "$dir/done"
fi
by=$(cat "$dir/by")
echo "$by"
cat "$dir/log" 2>/dev/null
if [ "$who" = console ] && [ "$failed" = 0 ]; then
  echo "$by $id" > "$dir.last"
  pid=$(cat "$dir/pid" 2>/dev/null)
  case $(tr '\\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null) in *"$dir"*) kill "$pid" ;; esac
  rm -rf -- "$dir"
fi
exit "$failed"
`

/**
 * $1: folder, $2: id, $3: hundredths of a second, $4: owner, $5: reason, $6: guard.sh, $7: revert.sh, $8: inject.sh, $9: undo.sh; the rest are
 * the arguments of the last two, which get the folder before them. Says one word, then what it is about.
 */
export const injectScript = `${prelude}
dir=$1 id=$2 armed=
mkdir -p -- "\${dir%/*}" || { printf 'unarmed\\0'; exit 1; }
if ! mkdir -- "$dir" 2>/dev/null; then
  [ -d "$dir" ] || { printf 'unarmed\\0'; mkdir -- "$dir"; exit 1; }
  if [ "$(cat "$dir/done" 2>/dev/null)" = 0 ]; then rm -rf -- "$dir"; mkdir -- "$dir" || { printf 'unarmed\\0'; exit 1; }; else
    printf 'held\\0%s\\0%s\\0' "$(cat "$dir/owner")" "$(cat "$dir/reason")"; exit 1
  fi
fi
trap '[ -n "$armed" ] || { rm -rf -- "$dir"; printf "unarmed\\0"; }' EXIT
set -e
printf '%s' "$id" > "$dir/id"; printf '%s' "$4" > "$dir/owner"; printf '%s' "$5" > "$dir/reason"; printf '%s' "$boot" > "$dir/boot"
printf '%s' "$6" > "$dir/guard.sh"; printf '%s' "$7" > "$dir/revert.sh"; printf '%s' "$8" > "$dir/inject.sh"; printf '%s' "$9" > "$dir/undo.sh"
date +%s > "$dir/since"
uptime
echo $((now + $3)) > "$dir/expires"
shift 9
: > "$dir/args"
for each; do printf '%s\\0' "$each" >> "$dir/args"; done
sync "$dir" 2>/dev/null || :
if [ -d /run/systemd/system ]; then
  systemd-run --quiet --collect --unit="evenkeel-drill-$id" /bin/sh "$dir/guard.sh" "$dir" "$id" </dev/null
else
  setsid sh "$dir/guard.sh" "$dir" "$id" </dev/null >/dev/null 2>&1 &
fi
tries=0
until [ -s "$dir/pid" ] || [ "$tries" -gt 60 ]; do tries=$((tries + 1)); sleep 0.05 2>/dev/null || sleep 1; done
kill -0 "$(cat "$dir/pid")"
armed=1
set +e
began=$(date +%s%3N)
if said=$(xargs -0 sh "$dir/inject.sh" "$dir" < "$dir/args" 2>&1); then
  ended=$(date +%s%3N)
  # the guard may have been faster than a fault that took its time
  [ ! -e "$dir/done" ] || xargs -0 sh "$dir/undo.sh" "$dir" < "$dir/args" >/dev/null 2>&1
  printf 'injected\\0%s\\0%s\\0' "$began" "$ended"
else
  undone=$(sh "$dir/revert.sh" "$dir" "$id" console 2>&1) && undone=
  printf 'refused\\0%s\\0%s\\0' "$said" "$undone"
fi
`

/** $1: folder, $2: id, $3: hundredths of a second from now. */
export const heartbeatScript = `${prelude}
dir=$1
held() { [ "$(cat "$dir/id" 2>/dev/null)" = "$2" ] && [ ! -h "$dir/claimed" ] && [ ! -e "$dir/done" ]; }
held "$@" || exit 1
uptime
echo $((now + $3)) > "$dir/expires.new" && mv -f -- "$dir/expires.new" "$dir/expires"
held "$@"
`

/** $1: folder. Six fields: id, owner, reason, since, state, log; nothing where there is no fault. */
export const standingScript = `${prelude}
dir=$1
[ -d "$dir" ] || exit 0
alive=
if [ "$(cat "$dir/boot" 2>/dev/null)" = "$boot" ]; then
  pid=$(cat "$dir/pid" 2>/dev/null)
  case $(tr '\\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null) in *"$dir"*) alive=1 ;; esac
fi
case $(cat "$dir/done" 2>/dev/null) in
  0) state=reverted ;;
  '') if [ -n "$alive" ]; then state=armed; else state=lost; fi ;;
  *) state=failed ;;
esac
printf '%s\\0' "$(cat "$dir/id")" "$(cat "$dir/owner")" "$(cat "$dir/reason")" "$(cat "$dir/since")" "$state" "$(cat "$dir/log" 2>/dev/null)"
`
