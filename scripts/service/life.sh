# The life of chorus.service under a real systemd: every promise with `pass` or `FAIL`, one a line. Runs inside boot.sh.
ip link set lo up
node=/opt/chorus/node_modules/node/bin/node

check() {
  name=$1
  shift
  if said=$("$@" 2>&1); then echo "pass  $name"; else echo "FAIL  $name: $said"; fi
}
value() { systemctl show chorus -p "$1" --value; }
is() { [ "$(value "$1")" = "$2" ] || { echo "$1 is $(value "$1")"; false; }; }
says() { case $(value StatusText) in *"$1"*) ;; *) echo "its status is: $(value StatusText)"; false ;; esac; }
ask() { "$node" /opt/chorus/scripts/service/ask.ts; }
engines() { ps ax | grep '[s]im/main'; }
no_engines() { ! engines; }

starts() { timeout 120 systemctl start chorus && is ActiveState active && says 'in rotation'; }
has_no_rights() {
  status=/proc/$(value MainPID)/status
  grep -q '^CapEff:.0000000000000000$' "$status" && grep -q '^NoNewPrivs:.1$' "$status" && ! grep -q '^Uid:.0' "$status"
}
has_a_status() {
  "$node" /opt/chorus/src/cli/main.ts status --state-dir /var/lib/chorus --config /etc/chorus/config.yaml | grep -q '^ready: '
}
# Nothing but the signal is what `systemctl reload` waits for: it may return before the settings are read.
reloads() {
  systemctl reload chorus || return
  for second in 1 2 3 4 5 6 7 8 9 10; do
    grep -q 'settings reloaded' /var/lib/chorus/chorus.log && is ActiveState active > /dev/null && return
    sleep 1
  done
  tail -n 1 /var/lib/chorus/chorus.log
  is ActiveState active
  false
}
has_its_devices_first() {
  [ "$(cat /run/devices-made)" = '-c0 -u' ] || return
  made=$(systemctl show chorus-devices -p InactiveEnterTimestampMonotonic --value)
  started=$(value ExecMainStartTimestampMonotonic)
  [ "$made" -gt 0 ] && [ "$made" -le "$started" ] || { echo "made at $made, started at $started"; false; }
}
stops() { systemctl stop chorus && is Result success && is ExecMainStatus 0 && no_engines; }

check 'systemctl start returns when a replica has made a token' starts
check 'its devices are made before it starts, although there is no nvidia-smi' has_its_devices_first
check 'it runs as a user of its own, without capabilities' has_no_rights
check 'it answers' ask
check 'chorus status finds it in /var/lib/chorus' has_a_status
check 'systemctl reload has the settings read again' reloads
check 'systemctl stop ends Chorus with 0, and every engine' stops

devices=/run/systemd/system/chorus-devices.service.d
starts_without_devices() {
  mkdir -p "$devices" && printf '[Service]\nExecStart=\nExecStart=/bin/false\n' > "$devices/fails.conf"
  systemctl daemon-reload && starts && [ "$(systemctl is-failed chorus-devices)" = failed ]
}
check 'it starts all the same when its devices cannot be made' starts_without_devices
rm -r "$devices"
systemctl daemon-reload
systemctl stop chorus

is_activated() { systemctl start chorus.socket && ask && is ActiveState active; }
loses_no_request() {
  (for turn in 1 2 3 4 5 6 7 8 9 10; do ask || echo "request $turn failed"; done) > /tmp/asked 2>&1 &
  asking=$!
  sleep 1
  systemctl restart chorus
  wait "$asking"
  ! grep failed /tmp/asked
}
check 'the first client of chorus.socket starts it, and is answered' is_activated
check 'no request fails while it is restarted behind chorus.socket' loses_no_request

mkdir -p /run/systemd/system/chorus.service.d
printf '[Service]\nWatchdogSec=4\nTimeoutAbortSec=5\nRestartSec=1\n' > /run/systemd/system/chorus.service.d/soon.conf
systemctl daemon-reload
systemctl restart chorus
restarted() {
  for second in $(seq 60); do
    [ "$(value NRestarts)" = "$1" ] && is ActiveState active > /dev/null && return
    sleep 1
  done
  echo "restarts: $(value NRestarts), $(value ActiveState)"
  false
}
is_fed() { sleep 9; is NRestarts 0 && is ActiveState active; }
is_frozen_and_comes_back() { kill -STOP "$(value MainPID)"; restarted 1 && ask; }
is_killed_and_comes_back() {
  kill -KILL "$(value MainPID)"
  sleep 0.5
  no_engines && restarted 2 && ask
}
check 'its watchdog is fed' is_fed
check 'frozen, it is ended by the watchdog and started again' is_frozen_and_comes_back
check 'killed, its engines go with it, and it is started again' is_killed_and_comes_back
systemctl stop chorus.socket chorus
check 'nothing is left' no_engines
echo end
systemctl exit 0
