# The commands of this project. `just` alone lists them; each is one line that also works without just.

default:
    @just --list

# Replays every captured event and writes out/report.html
replay *arguments="events":
    cargo run -- replay {{arguments}}

# The whole fleet on this machine
up *arguments:
    cargo run -- up {{arguments}}

# Ends it
down:
    cargo run -- down

# Every flow through what `just up` started
local-aws:
    cargo test --test local_aws -- --ignored

# Everything that is tested
test:
    cargo test

# Formats, and looks for what clippy finds
check:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# Throughput of decode, resize, encode and all together
bench *arguments:
    cargo bench {{arguments}}

# Licences, bans and sources of dependencies
deny:
    cargo deny --all-features check licenses bans sources

# Writes events/ anew: the captured events and the objects they name
events:
    cargo run -p fixtures --example write-events

# What must pass before a change lands
ci:
    .ci/run
