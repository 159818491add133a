# What is asked for in a manifest, what is granted on the command line, and what a guest then has.
. "$(dirname "$0")/lib.sh"

mkdir -p "$work/asks/data"
echo "a line of the host" >"$work/asks/data/file"
cp guests/wasi/ask.wasm "$work/asks/guest.wasm"
cat >"$work/asks/Component.toml" <<'TOML'
[component]
name = "asks"
version = "1.2.3"
source = "guest.wasm"

[resources.memory]
max_bytes = "2MiB"

[capabilities]
args = ["args"]
env = ["BHD_CLI_TEST", "MODE=fast"]
stdin = "inherit"
directories = [{ host = "data", guest = "/data", access = "rw" }]
clocks = true
random = true
max_written_bytes = 10_000
TOML
export BHD_CLI_TEST="from outside"

# Everything that is missing is named at once, with the option for it.
record 77 run "$work/asks"
record 77 run --allow-env=BHD_CLI_TEST --allow-clocks --allow-random --allow-stdin --allow-dir="$work/asks/data" "$work/asks"
record 77 run --allow-env=HOME --allow-dir="$work/asks:rw" --allow-clocks "$work/asks"
record 0 check "$work/asks"

# Granted one by one, or as the manifest asks.
for grant in --allow-manifest "--allow-env=BHD_CLI_TEST --allow-clocks --allow-random --allow-stdin --allow-dir=$work/asks:rw"; do
    # shellcheck disable=SC2086 # several options
    record 0 run $grant "$work/asks" env BHD_CLI_TEST env MODE cat /data/file time random stdin
    # shellcheck disable=SC2086
    record 1 run $grant "$work/asks" env PATH cat /etc/passwd cat /data/../Component.toml write /data/big 100000
    rm -f "$work/asks/data/big"
done

# What is typed in is read, as far as the guest reads.
last="bulkhead run --allow-manifest WORK/asks stdin"
echo "some input" | "$BULKHEAD" run --allow-manifest "$work/asks" stdin >"$work/out" 2>"$work/err"
expect_in_out 'stdin: 11 bytes'

# A binary without a manifest asks for what is granted.
for kind in wasm core.wasm; do
    try run --max-bytes=2MiB --allow-env=BHD_CLI_TEST --allow-dir="$work/asks/data" --allow-clocks \
        guests/wasi/ask.$kind env BHD_CLI_TEST cat "$work/asks/data/file" time
    expect_code 0
    expect_in_out 'env BHD_CLI_TEST: from outside'
    expect_in_out 'a line of the host'
    expect_in_out 'time: ok'
    try run --max-bytes=2MiB guests/wasi/ask.$kind env BHD_CLI_TEST cat "$work/asks/data/file"
    expect_code 1
    expect_in_out 'env BHD_CLI_TEST: not set'
done
record 77 run --max-bytes=2MiB guests/wasi/ask.wasm time
record 1 run --max-bytes=2MiB guests/wasi/ask.core.wasm time random
record 134 run --max-bytes=2MiB guests/wasi/ask.core.wasm random trap

# Captured output is shown in the end, up to its bound.
sed -i 's/^stdin.*/stdout = "capture"/' "$work/asks/Component.toml"
try run --allow-manifest "$work/asks" flood 70000
expect_code 0
expect_in_err 'note: 4472 more bytes of standard output were dropped, because it is captured'
sed -i 's/^stdout.*/stdout = "none"/' "$work/asks/Component.toml"
try run --allow-manifest "$work/asks" flood 70000
expect_code 0
expect_out ''

# Wrong options.
record 2 run --allow-net=example.org "$work/asks"
record 2 run --allow-net=:1 "$work/asks"
record 2 run --allow-net=a:99999 "$work/asks"
record 2 run --allow-env=A=1 "$work/asks"
record 2 run --allow-dir=:rw "$work/asks"
# A directory that is not there.
rm -rf "$work/asks/data"
record 66 run --allow-manifest "$work/asks"
finish capabilities.txt
