import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { Binaries, BinariesError } from '../lib/binaries.ts';
import type { Settings } from '../lib/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'flotilla-binaries-'));
after(() => rmSync(folder, { recursive: true }));

/** The head of an ELF file for a machine. */
function executable(machine: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF', 'latin1');
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

function built(worker: string, bytes: Buffer | string): void {
  mkdirSync(join(folder, worker), { recursive: true });
  writeFileSync(join(folder, worker, 'bootstrap'), bytes);
}

function binaries(architecture: Settings['architecture'], needed = true): Binaries {
  return new Binaries({ architecture, binaries: folder } as Settings, needed);
}

/** Runs with a cargo that answers as told, and returns what it was asked, a line for each time. */
function withCargo(script: string, call: () => void): string[] {
  const bin = join(folder, 'bin');
  const asked = join(folder, 'asked');
  mkdirSync(bin, { recursive: true });
  rmSync(asked, { force: true });
  writeFileSync(join(bin, 'cargo'), `#!/bin/sh\necho "$@" >> ${asked}\n${script}\n`);
  chmodSync(join(bin, 'cargo'), 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
  try {
    call();
  } finally {
    process.env.PATH = path;
  }
  return existsSync(asked) ? readFileSync(asked, 'utf8').trim().split('\n') : [];
}

function unbuilt(architecture: Settings['architecture']): Binaries {
  return new Binaries({ architecture } as Settings, true);
}

function refused(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: unknown) => error instanceof BinariesError && message.test(error.message));
}

test('a binary for another processor is refused, because it would fail at its first event only', () => {
  built('intel', executable(0x3e));
  built('arm', executable(0xb7));
  refused(() => binaries('arm64').code('intel'), /built for x86_64, and the function is for arm64/);
  refused(() => binaries('x86_64').code('arm'), /built for arm64, and the function is for x86_64/);
  assert.doesNotThrow(() => binaries('x86_64').code('intel'));
  assert.doesNotThrow(() => binaries('arm64').code('arm'));
});

test('a script is for every processor', () => {
  built('script', '#!/bin/sh\n');
  assert.doesNotThrow(() => binaries('arm64').code('script'));
});

test('a binary that is missing is named', () => {
  refused(() => binaries('arm64').code('nobody'), /^the binary of nobody is missing: .*nobody.bootstrap$/);
});

test('a command that deploys nothing needs no binaries', () => {
  assert.doesNotThrow(() => binaries('arm64', false).code('nobody'));
});

test('without binaries, cargo-lambda builds every worker once, for the processor of the functions', () => {
  const workspace = resolve(import.meta.dirname, '..', '..');
  const packages = [
    { name: 'gallery-lambda', manifest_path: `${workspace}/workers/gallery/lambda/Cargo.toml` },
    { name: 'gallery', manifest_path: `${workspace}/workers/gallery/Cargo.toml` },
    { name: 'fleet-lambda', manifest_path: `${workspace}/shared/fleet-lambda/Cargo.toml` },
  ];
  const asked = withCargo(`[ "$1" != metadata ] || echo '${JSON.stringify({ packages })}'`, () => {
    const unit = unbuilt('arm64');
    // The folder that it would have filled is not there: each worker is looked for in it.
    refused(() => unit.code('one'), /^the binary of one is missing: .*target.lambda-arm64.one.bootstrap$/);
    refused(() => unit.code('two'), /^the binary of two is missing/);
  });
  const builds = asked.filter((line) => line.startsWith('lambda build'));
  assert.deepEqual(builds, [
    `lambda build --release --locked --arm64 --lambda-dir ${workspace}/target/lambda-arm64 --package gallery-lambda`,
  ]);
});

test('a build that fails, or no cargo-lambda, says what to do', () => {
  withCargo('exit 101', () => refused(() => unbuilt('arm64').code('one'), /^cargo-lambda is not there: install it/));
  const failing = `[ "$1" != metadata ] || echo '{"packages": []}'\n[ "$2" != build ] || exit 101`;
  withCargo(failing, () => refused(() => unbuilt('arm64').code('one'), /^cargo lambda could not build the workers/));
});
