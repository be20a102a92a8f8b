/*
 * The dead man's switch of a drill. Every script is constant; what it works on are its arguments.
 *
 * Model: one folder, /var/lib/evenkeel/drill. That it exists is the lock: one drill on a node at a time. It is made aside and renamed when it is
 * complete, so that whoever finds it knows who and why, has the scripts of the fault with their arguments, and `expires`, in hundredths of a
 * second of the node's uptime, which no setting of a clock moves. `guard.sh` lives in a process of its own (a transient unit of systemd where
 * there is one, for else a logout may end it) and runs `revert.sh` when `expires` is over; a heartbeat moves it. Whoever makes the fault or
 * takes it back has the link `claimed` meanwhile, one at a time; a claim of a process that is gone is taken over, so that what was cut short is
 * done again: every undo may be repeated. The fault comes in the same command as its guard, after that is proven to live, so that a connection
 * that breaks cannot leave one without the other. `began` says that there is anything to take back.
 *
 * Who takes a fault back that is not there leaves its id in `drill.last`: a command for it that the network still holds finds that, and makes
 * nothing. The order is the point: one is written before the folder is looked for, the other made before the id is.
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

/** $1: folder, $2: id, $3: who: `guard` or `console`. Says who reverted it (`nobody`: it never came, and will not), and the log. */
export const revertScript = `${prelude}
dir=$1 id=$2 who=$3 tries=0
ours() { [ "$(cat "$dir/id" 2>/dev/null)" = "$id" ]; }
taken() { read -r by last < "$dir.last" 2>/dev/null; [ "$last" = "$id" ]; }
keep() { mkdir -p "\${dir%/*}" && echo "$1 $id" > "$dir.last.$$" && mv -f "$dir.last.$$" "$dir.last"; }
over() {
  if taken; then echo "$by"; else echo nobody; fi
  exit 0
}
if [ "$who" = console ] && ! ours && ! taken; then keep nobody || exit 1; fi
ours || over
until ln -sn "$who $boot $$" "$dir/claimed" 2>/dev/null; do
  ours || over
  claim=$(readlink "$dir/claimed"); pid=\${claim##* }; since=\${claim#* }
  if [ -n "$claim" ] && { [ "\${since% *}" != "$boot" ] || ! kill -0 "$pid" 2>/dev/null; }; then rm -f -- "$dir/claimed"; fi
  tries=$((tries + 1)); if [ "$tries" -gt 300 ]; then echo "$claim is at it" >&2; exit 1; fi
  [ "$tries" -eq 1 ] || sleep 0.1 2>/dev/null || sleep 1
done
trap 'rm -f -- "$dir/claimed"' EXIT
# another drill's by now
ours || over
log() { { printf '%s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >> "$dir/log"; } 2>/dev/null || :; }
failed=0
if [ "$(cat "$dir/done" 2>/dev/null)" != 0 ]; then
  if [ ! -e "$dir/began" ]; then log "$who: no fault had begun"
  elif said=$(xargs -0 sh "$dir/undo.sh" "$dir" < "$dir/args" 2>&1); then log "$who took the fault back $said"
  else failed=1; log "$who could not take the fault back: $said"
  fi
  echo "$who" > "$dir/by"
  echo "$failed" > "$dir/done"
fi
by=$(cat "$dir/by")
echo "$by"
cat "$dir/log" 2>/dev/null
if [ "$who" = console ] && [ "$failed" = 0 ]; then
  keep "$by"
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
dir=$1 id=$2 new="$1.new-$2" said= mine=
say() { said=1; printf '%s\\0' "$@"; }
leave() {
  rm -rf -- "$new"
  [ -z "$said" ] || return
  [ -z "$mine" ] || rm -rf -- "$dir"
  say unarmed
}
trap leave EXIT
set -e
mkdir -p -- "$new"
printf '%s' "$id" > "$new/id"; printf '%s' "$4" > "$new/owner"; printf '%s' "$5" > "$new/reason"; printf '%s' "$boot" > "$new/boot"
printf '%s' "$6" > "$new/guard.sh"; printf '%s' "$7" > "$new/revert.sh"; printf '%s' "$8" > "$new/inject.sh"; printf '%s' "$9" > "$new/undo.sh"
date +%s > "$new/since"
uptime
echo $((now + $3)) > "$new/expires"
shift 9
: > "$new/args"
for each; do printf '%s\\0' "$each" >> "$new/args"; done
sync "$new" 2>/dev/null || :
# of a drill whose guard has acted, and nobody has asked since
if [ "$(cat "$dir/done" 2>/dev/null)" = 0 ]; then sh "$dir/revert.sh" "$dir" "$(cat "$dir/id")" console >/dev/null; fi
if ! mv -T -- "$new" "$dir" 2>/dev/null; then
  [ ! -d "$dir" ] || say held "$(cat "$dir/owner")" "$(cat "$dir/reason")"
  exit 1
fi
mine=1
if read -r by last < "$dir.last" 2>/dev/null && [ "$last" = "$id" ]; then exit 1; fi
if [ -d /run/systemd/system ]; then
  systemd-run --quiet --collect --unit="evenkeel-drill-$id" /bin/sh "$dir/guard.sh" "$dir" "$id" </dev/null
else
  setsid sh "$dir/guard.sh" "$dir" "$id" </dev/null >/dev/null 2>&1 &
fi
tries=0
until [ -s "$dir/pid" ] || [ "$tries" -gt 60 ]; do tries=$((tries + 1)); sleep 0.05 2>/dev/null || sleep 1; done
kill -0 "$(cat "$dir/pid")"
ln -sn "inject $boot $$" "$dir/claimed"
mine=
set +e
began=$(date +%s%3N)
if echo "$began" > "$dir/began" && failure=$(xargs -0 sh "$dir/inject.sh" "$dir" < "$dir/args" 2>&1); then
  say injected "$began" "$(date +%s%3N)"
  rm -f -- "$dir/claimed"
else
  rm -f -- "$dir/claimed"
  undone=$(sh "$dir/revert.sh" "$dir" "$id" console 2>&1) && undone=
  say refused "$failure" "$undone"
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
